package localnet

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func manual(c *Config) { c.Manual = true }

func TestHand_SetAccountMintsAndBurnsTheDifference(t *testing.T) {
	t.Parallel()
	c := New(t, manual, func(c *Config) { c.Shards = 2 })
	for _, a := range []*address.Address{spread(0, 3, 1), spread(0, 200, 1), spread(-1, 9, 1)} {
		for _, n := range []int64{5, 9, 2, 0} {
			require.NoError(t, c.SetAccount(GenesisAccount{Address: a, Nano: coins(n)}))
			require.Equal(t, coins(n), balance(t, c, a))
		}
	}
	g := contract(t, 7, passOn, account(9))
	require.NoError(t, c.SetAccount(g))
	require.NoError(t, faucetByHand(t, c, account(7), coins(1)))
	require.NoError(t, c.MineAll())
	require.Greater(t, balance(t, c, account(9)).Cmp(new(big.Int)), 0, "the contract runs")
	requireSound(t, c)
}

// faucetByHand is Faucet where the test makes the blocks.
func faucetByHand(t testing.TB, c *Chain, to *address.Address, nano *big.Int) error {
	done := make(chan error, 1)
	go func() { done <- c.Faucet(t.Context(), to, nano) }()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(time.Millisecond):
			if err := c.Mine(); err != nil {
				return err
			}
		}
	}
}

func TestHand_SetAccountRefusesWhatIsNoAccount(t *testing.T) {
	t.Parallel()
	c := New(t, manual)
	before := c.Head()
	for name, bad := range map[string]GenesisAccount{
		"no address":      {Nano: coins(1)},
		"no balance":      {Address: account(1)},
		"code alone":      {Address: account(1), Nano: coins(1), Code: cell.BeginCell().EndCell()},
		"another chain":   {Address: address.NewAddress(0, 5, make([]byte, 32)), Nano: coins(1)},
		"not a state":     {State: cell.BeginCell().MustStoreUInt(1, 4).EndCell()},
		"state and coins": {State: cell.BeginCell().EndCell(), Nano: coins(1)},
	} {
		require.Error(t, c.SetAccount(bad), name)
	}
	require.Equal(t, before, c.Head())
}

func TestHand_ImpersonateDeliversInAnybodysName(t *testing.T) {
	t.Parallel()
	c := New(t, manual, with(contract(t, 7, passOn, account(8))))
	tx, err := c.Impersonate(Message{From: spread(-1, 1, 1), To: account(7), Nano: coins(3), Body: cell.BeginCell().MustStoreUInt(5, 32).EndCell()})
	require.NoError(t, err)
	in := tx.IO.In.AsInternal()
	require.Equal(t, spread(-1, 1, 1).StringRaw(), in.SrcAddr.StringRaw())
	require.Equal(t, coins(3), in.Amount.Nano())
	require.EqualValues(t, 1, tx.OutMsgCount)
	require.Positive(t, balance(t, c, account(8)).Sign())

	init, err := wallet.GetStateInit(publicOf(keyOf("new")), wallet.V4R2, wallet.DefaultSubwallet)
	require.NoError(t, err)
	to := init.CalcAddress(0)
	tx, err = c.Impersonate(Message{From: account(1), To: to, Nano: coins(1), Init: init})
	require.NoError(t, err)
	require.EqualValues(t, tlb.AccountStatusActive, tx.EndStatus)
	for name, bad := range map[string]Message{
		"nobody":    {To: account(1), Nano: coins(1)},
		"to nobody": {From: account(1), Nano: coins(1)},
		"no amount": {From: account(1), To: account(1)},
	} {
		_, err = c.Impersonate(bad)
		require.Error(t, err, name)
	}
	requireSound(t, c)
}

func TestHand_SetConfigMakesAKeyBlock(t *testing.T) {
	t.Parallel()
	all, option := crowd(t, 2)
	c := New(t, manual, option, func(c *Config) { c.Shards = 2 })
	fees := func(r *rich) *big.Int {
		before := balance(t, c, r.WalletAddress())
		require.NoError(t, c.Push(r.send(t, coins(1), account(1))))
		require.NoError(t, c.MineAll())
		return before.Sub(before, balance(t, c, r.WalletAddress())).Sub(before, coins(1))
	}
	cheap := fees(all[0])
	dear, err := tlb.ToCell(func() tlb.ConfigGasLimitsPrices { p := basechainTariff; p.flatGas *= 10; p.gas16 *= 10; return p.gas() }())
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{21: dear, 71: cell.BeginCell().MustStoreUInt(uint64(c.Head().SeqNo), 32).EndCell()}))
		require.True(t, c.view().head.key)
		require.NoError(t, c.Mine())
		require.False(t, c.view().head.key)
	}
	require.Greater(t, fees(all[1]).Cmp(new(big.Int).Mul(cheap, big.NewInt(3))), 0, "the new price is charged")
	require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{71: nil, 72: nil}))

	api := connect(t, c, ton.ProofCheckPolicySecure)
	head, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err, "a proof leads through all key blocks")
	config, err := api.GetBlockchainConfig(t.Context(), head, 21)
	require.NoError(t, err)
	require.Equal(t, dear.Hash(), config.Get(21).Hash())
	requireSound(t, c)

	before := c.Head()
	for name, bad := range map[string]map[uint32]*cell.Cell{
		"without gas prices":   {21: nil},
		"without validators":   {34: nil},
		"gas prices of noise":  {8: cell.BeginCell().MustStoreUInt(1, 8).EndCell()},
		"validators of noise":  {34: cell.BeginCell().MustStoreUInt(1, 8).EndCell()},
		"workchains of nobody": {12: cell.BeginCell().MustStoreBoolBit(false).EndCell()},
	} {
		require.Error(t, c.SetConfig(bad), name)
	}
	require.Equal(t, before, c.Head(), "a refusal changes nothing")
}

func TestSnapshot_RevertTakesEverythingBack(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		all, option := crowd(t, 3)
		wall := newWallClock() // time costs rent
		c := mustStart(t, manual, option, func(c *Config) { c.Shards, c.Data, c.Clock = 2, dir, wall.read })
		require.NoError(t, c.Push(all[0].send(t, coins(1), account(1), spread(0, 200, 2))))
		require.NoError(t, c.MineAll())
		moment, head := c.Snapshot(), c.Head()
		for range 2 {
			require.NoError(t, c.Push(all[1].send(t, coins(2), account(1))))
			require.NoError(t, c.SetShards(8))
			require.NoError(t, c.SetAccount(GenesisAccount{Address: account(9), Nano: coins(5)}))
			require.Equal(t, coins(3), balance(t, c, account(1)))
			later := c.Snapshot()

			require.NoError(t, c.Revert(moment))
			all[1].seqno = 0
			require.Equal(t, head, c.Head())
			require.Len(t, c.Shards(), 2)
			require.Equal(t, coins(1), balance(t, c, account(1)))
			require.Zero(t, balance(t, c, account(9)).Sign())
			require.ErrorIs(t, c.Revert(later), errGone)
			requireSound(t, c)
		}
		require.ErrorIs(t, c.Revert(Snapshot{}), errGone)
		require.NoError(t, c.Push(all[2].send(t, coins(4), account(1))))
		require.NoError(t, c.MineAll())
		last := c.Head()
		if dir == "" {
			continue
		}
		require.NoError(t, c.Close())
		again := mustStart(t, manual, option, func(c *Config) { c.Data, c.Clock = dir, wall.read })
		require.Equal(t, last, again.Head(), "the folder knows the chain that was gone on with")
		require.Equal(t, coins(5), balance(t, again, account(1)))
	}
}

func TestGenesis_StartsFromRecordedStates(t *testing.T) {
	t.Parallel()
	all, option := crowd(t, 1)
	one := New(t, manual, option)
	require.NoError(t, one.Push(all[0].send(t, coins(1), account(1))))
	require.NoError(t, one.Mine())
	recorded, err := one.Account(all[0].WalletAddress())
	require.NoError(t, err)
	require.NotNil(t, recorded)
	held := balance(t, one, all[0].WalletAddress())

	other := New(t, manual, with(GenesisAccount{State: recorded}), func(c *Config) { c.Clock, c.Genesis = one.Now, one.Now() })
	require.Equal(t, held, balance(t, other, all[0].WalletAddress()))
	require.NoError(t, other.Push(all[0].send(t, coins(1), account(1))), "with its code, key and seqno")
	require.NoError(t, other.Mine())
	require.Equal(t, coins(1), balance(t, other, account(1)))
	nobody, err := one.Account(account(55))
	require.NoError(t, err)
	require.Nil(t, nobody)
	requireSound(t, other)
}

// counter adds one to the number in its data on every transaction: c4 CTOS 32
// LDU DROP INC NEWC 32 STU ENDC c4 POP.
const counter = "FF00" + "ED44D0" + "D31F30" + "A4" + "C8CB1FC9" + "ED54"

func TestTickTock_RunsAtBothEndsOfMasterBlocks(t *testing.T) {
	t.Parallel()
	special := func(n byte, tick, tock bool) GenesisAccount {
		g := contract(t, n, counter, nil)
		g.Address, g.Data, g.TickTock = spread(-1, n, n), cell.BeginCell().MustStoreUInt(0, 32).EndCell(), tlb.TickTock{Tick: tick, Tock: tock}
		return g
	}
	both, tick, tock, none := special(1, true, true), special(2, true, false), special(3, false, true), special(4, false, false)
	c := New(t, manual, with(both, tick, tock, none), func(c *Config) {
		c.Special = []*address.Address{both.Address, tick.Address, tock.Address, none.Address}
	})
	count := func(g GenesisAccount) uint64 {
		state, err := c.Account(g.Address)
		require.NoError(t, err)
		var a tlb.AccountState
		require.NoError(t, tlb.Parse(&a, state))
		return a.StateInit.Data.MustBeginParse().MustLoadUInt(32)
	}
	for range 4 {
		require.NoError(t, c.Mine())
	}
	require.Equal(t, []uint64{10, 5, 5, 0}, []uint64{count(both), count(tick), count(tock), count(none)})
	requireSound(t, c)
	last := c.view().head.txs
	require.Len(t, last, 4)
	var tx tlb.Transaction
	require.NoError(t, tlb.Parse(&tx, last[0].cell))
	require.IsType(t, tlb.TransactionDescriptionTickTock{}, tx.Description)
	api := connect(t, c, ton.ProofCheckPolicySecure)
	head, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	list, err := api.ListTransactions(t.Context(), both.Address, 10, tx.LT, tx.Hash)
	require.Error(t, err, "no such hash")
	require.Empty(t, list)
	a, err := api.GetAccount(t.Context(), head, both.Address)
	require.NoError(t, err)
	list, err = api.ListTransactions(t.Context(), both.Address, 20, a.LastTxLT, a.LastTxHash)
	require.NoError(t, err)
	require.Len(t, list, 10, "a masterchain account has a history like any other")
}
