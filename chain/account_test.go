package chain

import (
	"crypto/ed25519"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

// walletOn is a wallet with that many TON on a new client of the chain.
func walletOn(t testing.TB, local *localnet.Chain, key ed25519.PrivateKey, ton int64) (*Client, *Wallet) {
	c := dial(t, networkOf(t, local), Options{})
	w, err := NewWallet(c, key)
	require.NoError(t, err)
	if ton > 0 {
		require.NoError(t, local.Faucet(t.Context(), Address(w.Account()), new(big.Int).Mul(big.NewInt(ton), big.NewInt(1e9))))
	}
	return c, w
}

func TestAccount_TellsItsStates(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 3)
	nobody, err := c.Account(t.Context(), cocoon.Account{9})
	require.NoError(t, err)
	require.Equal(t, None, nobody.State)
	require.True(t, nobody.Balance.IsZero())

	before, err := c.Account(t.Context(), w.Account())
	require.NoError(t, err)
	require.Equal(t, Uninit, before.State)
	require.Equal(t, cocoon.TON(3), before.Balance)
	require.NotZero(t, before.LastLT)

	sent, err := w.Send(t.Context(), Message{To: cocoon.Account{9}, Amount: cocoon.TON(1)})
	require.NoError(t, err)
	after, err := c.AccountAt(t.Context(), sent.Block, w.Account())
	require.NoError(t, err)
	require.Equal(t, Active, after.State)
	require.Equal(t, sent.LT, after.LastLT)
	require.Equal(t, sent.Tx, after.LastHash)

	again, err := c.AccountAt(t.Context(), before.Block, w.Account())
	require.NoError(t, err)
	require.Equal(t, before, again, "an older block shows the older state")
	_, err = c.AccountAt(t.Context(), nil, w.Account())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestTransactions_FollowTheChainBackwards(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	a := cocoon.Account{7}
	const gifts = page + 4
	for i := range gifts {
		require.NoError(t, local.Faucet(t.Context(), Address(a), big.NewInt(int64(1e9+i))))
	}
	found, err := c.Account(t.Context(), a)
	require.NoError(t, err)
	all, err := c.Transactions(t.Context(), a, found.LastLT, found.LastHash, 100)
	require.NoError(t, err)
	require.Len(t, all, gifts)
	for i, tx := range all {
		require.Equal(t, int64(1e9+gifts-1-i), tx.IO.In.AsInternal().Amount.Nano().Int64())
	}
	some, err := c.Transactions(t.Context(), a, found.LastLT, found.LastHash, page+1)
	require.NoError(t, err)
	require.Len(t, some, page+1)
	_, err = c.Transactions(t.Context(), a, found.LastLT+1, found.LastHash, 1)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

func TestGet_RunsOnTheProvenState(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c, w := walletOn(t, local, testKey(1), 3)
	_, err := c.Get(t.Context(), w.Account(), "seqno")
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err), "no code yet")
	_, err = w.Send(t.Context(), Message{To: cocoon.Account{9}, Amount: cocoon.TON(1)})
	require.NoError(t, err)

	values, err := c.Get(t.Context(), w.Account(), "seqno")
	require.NoError(t, err)
	require.Equal(t, []any{big.NewInt(1)}, values)
	values, err = c.Get(t.Context(), w.Account(), "get_public_key")
	require.NoError(t, err)
	require.Equal(t, new(big.Int).SetBytes(testKey(1).Public().(ed25519.PublicKey)), values[0])

	_, err = c.Get(t.Context(), w.Account(), "no_such_method")
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, int64(11), exit.Code)
	_, err = c.Get(t.Context(), w.Account(), "seqno", 1.5)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestUnborn_AnswersAsItWillOnceDeployed(t *testing.T) {
	t.Parallel()
	c, w := walletOn(t, localnet.New(t), testKey(1), 3)
	init, err := walletInit(testKey(1).Public().(ed25519.PublicKey), c.Network().GlobalID)
	require.NoError(t, err)
	before, err := c.Unborn(init).Get(t.Context(), w.Account(), "get_public_key")
	require.NoError(t, err)
	_, err = w.Send(t.Context(), Message{To: cocoon.Account{9}, Amount: cocoon.TON(1)})
	require.NoError(t, err)
	after, err := c.Get(t.Context(), w.Account(), "get_public_key")
	require.NoError(t, err)
	require.Equal(t, after, before)
}

func TestGet_ArgumentsAndResultsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	// leaves the stack as it is, but for the method's number
	code, err := cell.FromBOC(cell.BeginCell().MustStoreUInt(0x30, 8).EndCell().ToBOC())
	require.NoError(t, err)
	a := cocoon.Account{3}
	local := localnet.New(t, func(c *localnet.Config) {
		c.Accounts = []localnet.GenesisAccount{{Address: Address(a), Code: code, Data: emptyCell(), Nano: big.NewInt(1e9)}}
	})
	c := dial(t, networkOf(t, local), Options{})
	values, err := c.Get(t.Context(), a, "any", 1, int64(-2), uint32(3), uint64(4), big.NewInt(5), emptyCell(), cocoon.Account{6})
	require.NoError(t, err)
	require.Len(t, values, 7)
	for i, n := range []int64{1, -2, 3, 4, 5} {
		require.Equal(t, big.NewInt(n), values[i])
	}
	require.Equal(t, emptyCell().Hash(), values[5].(*cell.Cell).Hash())
	addr, err := values[6].(*cell.Slice).LoadAddr()
	require.NoError(t, err)
	got, err := AccountOf(addr)
	require.NoError(t, err)
	require.Equal(t, cocoon.Account{6}, got)
}

func TestWaitAccount_ReadsAtEachNewBlock(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	a := cocoon.Account{4}
	looked := make(chan struct{}, 100)
	found := make(chan Account, 1)
	go func() {
		got, err := c.WaitAccount(t.Context(), a, func(a Account) bool {
			looked <- struct{}{}
			return a.State != None
		})
		if err != nil {
			t.Error(err)
		}
		found <- got
	}()
	<-looked
	require.NoError(t, local.Faucet(t.Context(), Address(a), big.NewInt(1e9)))
	require.Equal(t, cocoon.TON(1), (<-found).Balance)
}
