package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

// chain is a local chain on which alice wishes to send bob, who fails, and carol,
// who passes on to dave.
func chain(t *testing.T) (*localnet.Chain, *ton.APIClient) {
	t.Helper()
	program := func(n byte, balance, text string, data *cell.Cell) localnet.GenesisAccount {
		return localnet.GenesisAccount{Address: account(n), Code: code(t, text), Data: data, Nano: tons(t, balance).Nano()}
	}
	c := localnet.New(t, func(cfg *localnet.Config) {
		cfg.BlockTime = time.Hour // no block but by Mine
		cfg.Accounts = []localnet.GenesisAccount{
			program(2, "1", throws, empty()),
			program(3, "1", acts, list(t, send(t, 64, to(t, account(4), "0", false, nil)))),
			program(1, "100", acts, list(t, send(t, 1, to(t, account(3), "0.5", true, nil)), send(t, 0, &tlb.ExternalMessageOut{Body: op(7)}))),
			program(5, "100", acts, list(t, send(t, 1, to(t, account(2), "1", false, op(0x7f0fb44f))))),
		}
	})
	require.NoError(t, c.Mine())
	var global liteclient.GlobalConfig
	require.NoError(t, json.Unmarshal(c.GlobalConfig(), &global))
	pool := liteclient.NewConnectionPool()
	t.Cleanup(pool.Stop)
	require.NoError(t, pool.AddConnectionsFromConfig(t.Context(), &global))
	return c, ton.NewAPIClient(pool, ton.ProofCheckPolicyFast)
}

// push puts an external message into a block.
func push(t *testing.T, c *localnet.Chain, to *address.Address) *cell.Cell {
	t.Helper()
	m := cellOf(t, external(to, empty()))
	require.NoError(t, c.Push(m.ToBOC()))
	require.NoError(t, c.Mine())
	return m
}

func TestReader_FindsTheWholeTreeFromAnyHash(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	sent := push(t, c, account(1))
	for range 5 {
		require.NoError(t, c.Mine())
	}
	r := &Reader{Blocks: NewLite(api)}
	first, err := r.Find(t.Context(), sent.Hash())
	require.NoError(t, err)
	root, err := r.Trace(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, "1(3(4) outside)", outline(root))
	root.Each(func(n *Node) bool {
		hash := n.Message.Hash()
		for _, prefix := range [][]byte{hash[:], hash[:4]} {
			found, err := r.Find(t.Context(), prefix)
			require.NoError(t, err)
			if n.Transaction != nil {
				require.Equal(t, n.Transaction.Hash, found.Hash, "who took it, not who sent it")
			}
			again, err := r.Trace(t.Context(), found)
			require.NoError(t, err)
			require.Equal(t, "1(3(4) outside)", outline(again))
			require.NotNil(t, again.Find(prefix))
		}
		return true
	})
}

func TestReader_FindsByAccountAndLogicalTime(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	push(t, c, account(1))
	r := &Reader{Blocks: NewLite(api)}
	last, err := r.Last(t.Context(), account(4))
	require.NoError(t, err)
	same, err := r.At(t.Context(), account(4), last.LT)
	require.NoError(t, err)
	require.Equal(t, last.Hash, same.Hash)
	root, err := r.Trace(t.Context(), same)
	require.NoError(t, err)
	require.Equal(t, "1(3(4) outside)", outline(root), "up to the root and down again")

	_, err = r.At(t.Context(), account(4), last.LT+1)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = r.At(t.Context(), account(4), last.LT+1<<40)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = r.Last(t.Context(), account(200))
	require.ErrorIs(t, err, ErrNotFound)
	_, err = r.Find(t.Context(), []byte("nothing of this hash"))
	require.ErrorIs(t, err, ErrNotFound)
}

func TestReader_ExecutesAgainToTheBit(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	push(t, c, account(5))
	push(t, c, account(5))
	r := &Reader{Blocks: NewLite(api)}
	last, err := r.Last(t.Context(), account(2))
	require.NoError(t, err)
	root, err := r.Trace(t.Context(), last)
	require.NoError(t, err)
	root.Each(func(n *Node) bool {
		if n.Transaction == nil {
			return true
		}
		run, err := r.Replay(t.Context(), api, n.Transaction, 2)
		require.NoError(t, err)
		require.True(t, run.Exact, "account %s", n.Transaction.Account)
		return true
	})
	run, err := r.Replay(t.Context(), api, last, 1)
	require.NoError(t, err)
	require.Equal(t, "THROW 504", run.Steps[0].Op)
}

func TestReader_TellsTransactionsOfOneBlockApart(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	var sent []*cell.Cell
	for i := range 6 {
		m := cellOf(t, external(account(5), op(uint64(i))))
		require.NoError(t, c.Push(m.ToBOC()))
		sent = append(sent, m)
	}
	require.NoError(t, c.Mine())
	r := &Reader{Blocks: NewLite(api)}
	blocks := map[string]int{}
	for _, m := range sent {
		first, err := r.Find(t.Context(), m.Hash())
		require.NoError(t, err)
		run, err := r.Replay(t.Context(), api, first, 1)
		require.NoError(t, err)
		require.True(t, run.Exact, "after those before it in the block")
		down, err := r.Trace(t.Context(), first)
		require.NoError(t, err)
		up, err := r.Trace(t.Context(), down.Children[0].Transaction)
		require.NoError(t, err)
		require.Equal(t, first.Hash, up.Transaction.Hash)
		b, err := r.around(t.Context(), first.Account, first.LT)
		require.NoError(t, err)
		blocks[string(b.id.RootHash)]++
	}
	require.Less(t, len(blocks), len(sent), "some share a block")
}

// young hides the blocks of a chain from a moment on.
type young struct {
	Blocks
	tops []*ton.BlockIDExt
}

func (y young) Tops(context.Context) ([]*ton.BlockIDExt, error) { return y.tops, nil }

func (y young) Lookup(ctx context.Context, workchain int32, shard int64, lt uint64) (*ton.BlockIDExt, error) {
	id, err := y.Blocks.Lookup(ctx, workchain, shard, lt)
	for _, top := range y.tops {
		if err == nil && id.Workchain == top.Workchain && id.SeqNo > top.SeqNo {
			return nil, ErrNoBlock
		}
	}
	return id, err
}

func TestReader_TellsPendingFromForgotten(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	push(t, c, account(1))
	r := &Reader{Blocks: NewLite(api)}
	tops, err := r.Blocks.Tops(t.Context())
	require.NoError(t, err)
	m, future := *r.mustLast(t, account(4)).In, uint64(1)<<50
	in := *m.internal()
	in.CreatedLT = future
	m.Msg = &in
	_, err = r.delivery(t.Context(), &m)
	require.ErrorIs(t, err, errPending, "no block has come so far")

	in.CreatedLT = 1
	forgetful := &Reader{Blocks: young{NewLite(api), tops}, Wait: 1}
	_, err = forgetful.delivery(t.Context(), &m)
	require.ErrorIs(t, err, errFar, "it is not where it would be")
	lost := &Reader{Blocks: nothing{NewLite(api)}}
	_, err = lost.delivery(t.Context(), &m)
	require.ErrorIs(t, err, errFar, "blocks of that time are gone")
}

// nothing looks nothing up.
type nothing struct{ Blocks }

func (nothing) Lookup(context.Context, int32, int64, uint64) (*ton.BlockIDExt, error) {
	return nil, ErrNoBlock
}

func (r *Reader) mustLast(t *testing.T, a *address.Address) *Transaction {
	t.Helper()
	last, err := r.Last(t.Context(), a)
	require.NoError(t, err)
	return last
}

func TestReader_SearchesNoFurtherThanItMay(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	sent := push(t, c, account(1))
	for range 10 {
		require.NoError(t, c.Mine())
	}
	_, err := (&Reader{Blocks: NewLite(api), Back: 4}).Find(t.Context(), sent.Hash())
	require.ErrorIs(t, err, ErrNotFound)
	_, err = (&Reader{Blocks: NewLite(api)}).Find(t.Context(), sent.Hash())
	require.NoError(t, err)
}

func TestReader_ComesToAnEndWithItsContext(t *testing.T) {
	t.Parallel()
	c, api := chain(t)
	sent := push(t, c, account(1))
	r := &Reader{Blocks: NewLite(api)}
	first, err := r.Find(t.Context(), sent.Hash())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Find(ctx, sent.Hash())
	require.ErrorIs(t, err, context.Canceled)
	part, err := r.Trace(ctx, first)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "1(cut outside)", outline(part), "what was found is shown")
}

func TestShard_HoldsTheAccountsOfItsPrefix(t *testing.T) {
	t.Parallel()
	left, right := address.NewAddress(0, 0, append([]byte{0x3f}, make([]byte, 31)...)), address.NewAddress(0, 0, append([]byte{0xc0}, make([]byte, 31)...))
	for shard, want := range map[uint64][2]bool{1 << 63: {true, true}, 1 << 62: {true, false}, 3 << 62: {false, true}, 0x3800000000000000: {true, false}, 0x2800000000000000: {false, false}} {
		require.Equal(t, want, [2]bool{holds(int64(shard), left), holds(int64(shard), right)}, "%016x", shard)
	}
	require.True(t, holds(narrow(left), left))
	require.False(t, holds(narrow(left), right))
	deep := address.NewAddress(0, 0, bytes.Repeat([]byte{0xff}, 32))
	require.EqualValues(t, 8, narrow(deep)&0xf, "a shard's name has at most 60 bits of a prefix")
	require.EqualValues(t, fullShard, narrow(address.NewAddress(0, 255, make([]byte, 32))))
}
