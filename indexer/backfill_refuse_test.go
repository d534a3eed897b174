package indexer

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// refusesToFill wants a backfill to end with that, to say what to do, and to write nothing wrong.
func refusesToFill(t *testing.T, w *world, c Archive, kind cocoon.Kind, why string) {
	t.Helper()
	x := w.openBackfill(newPath(t), c)
	x.pause = time.Millisecond
	err := x.Run(t.Context())
	require.ErrorContains(t, err, why)
	require.Equal(t, kind, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	seqno := x.Head().Seqno
	require.NoError(t, x.Close())
	x = w.open(x.cfg.Path + x.cfg.DSN)
	scan := w.open(newPath(t))
	w.scan(scan, seqno)
	require.Equal(t, whole(t, scan), whole(t, x), "what is there is what reading every block writes")
}

// An indexer does not rely on its way to the chain alone.
func TestBackfill_RefusesAChainThatLeavesSomethingOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.send(must(w.provider.Account()), cocoon.TON(1), nil, nil)
	}
	w.stakeProvider()
	w.settle()
	end := w.rest()
	x := w.open(newPath(t))
	w.scan(x, end.head.SeqNo)
	all, err := x.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	last := all[len(all)-2]
	refusesToFill(t, w, &leaky{Archive: end, block: w.blockOf(last.Seqno)}, cocoon.Conflict, "is in no block up to")
	refusesToFill(t, w, &leaky{Archive: end, history: true}, cocoon.Conflict, "is another one")
	refusesToFill(t, w, &hasty{Archive: end}, cocoon.Conflict, "is in no block up to")
	refusesToFill(t, w, &forgetful{Archive: end}, cocoon.NotFound, "state is gone")
}

// hasty names the newest masterchain block where an earlier one is asked for.
type hasty struct{ Archive }

func (h *hasty) MasterAfter(ctx context.Context, _ uint64) (*ton.BlockIDExt, error) {
	return h.HeadFrom(ctx, 0)
}

// forgetful is a chain whose servers keep no old states.
type forgetful struct{ Archive }

func (*forgetful) Branch(context.Context, *ton.BlockIDExt, chain.Prefix) (chain.Branch, error) {
	return chain.Branch{}, cocoon.NotFound.Errorf("state is gone")
}

func TestBackfill_RefusesWhereRentMayHaveTakenAContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.advance(3600)
	before := w.now() - 3000
	for _, prices := range [][]tlb.ConfigStoragePrices{
		{{CellPrice: 1 << 28}}, // freezes within the hour
		{{CellPrice: 135}, {ValidSince: before, CellPrice: 135 << 16}}, // eats within the hour what was kept for years
	} {
		dict := cell.NewDict(32)
		for _, p := range prices {
			require.NoError(t, dict.SetIntKey(new(big.Int).SetUint64(uint64(p.ValidSince)), must(tlb.ToCell(&p))))
		}
		require.NoError(t, w.local.SetConfig(map[uint32]*cell.Cell{18: dict.AsCell()}))
		w.settle()
		refusesToFill(t, w, w.rest(), cocoon.Conflict, "can be gone")
	}
}

func TestBackfill_RefusesWhereAContractOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.stakeProvider()
	w.settle()
	x := w.openBackfill(newPath(t), w.client)
	w.scan(x, w.rest().head.SeqNo)
	w.settle()
	require.NoError(t, w.local.SetAccount(localnet.GenesisAccount{Address: chain.Address(p), Nano: new(big.Int)}))
	w.settle()
	err := x.backfill(t.Context())
	require.ErrorContains(t, err, "is no account any more")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
}

func TestBackfill_RefusesAnotherChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle()
	x := w.openBackfill(newPath(t), w.client)
	w.scan(x, 5)
	other := newWorldOn(t, localnet.New(t, func(c *localnet.Config) { c.Shards = 2 }))
	x.cfg.Chain = other.client
	require.ErrorContains(t, x.backfill(t.Context()), "was indexed with root")
}

// TestBackfill_BirthsAreWithinTheBound measures the first state of each contract.
func TestBackfill_BirthsAreWithinTheBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for len(w.jobTerms.Codes.List) < wrappers.MaxBirthCodes {
		w.jobTerms.Codes.List = append(w.jobTerms.Codes.List, w.jobTerms.Codes.List[0])
	}
	births := map[wrappers.Kind]*tlb.StateInit{
		wrappers.KindProvider: must(w.provider.Init()), wrappers.KindRewards: must(w.rewards.Init()), wrappers.KindEpoch: must(wrappers.EpochBirth{}.Init()),
		wrappers.KindChannel: must(w.channelBirth(w.me).Init()), wrappers.KindJob: must(w.offer().Init()), wrappers.KindRegistry: must(wrappers.RegistryBirth{}.Init()),
	}
	for _, artifact := range contracts.All() {
		kind := wrappers.Kind(artifact.Name)
		require.NotNil(t, births[kind], kind)
		cells, bits := sizeOf(must(tlb.ToCell(births[kind])), map[string]bool{})
		t.Logf("%s: %d cells, %d bits", kind, cells, bits)
		require.LessOrEqual(t, cells, birthCells, kind)
		require.LessOrEqual(t, bits, birthBits, kind)
	}
}

// sizeOf is what rent is paid for: cells that are alike once.
func sizeOf(c *cell.Cell, seen map[string]bool) (cells, bits int) {
	if seen[string(c.Hash())] {
		return 0, 0
	}
	seen[string(c.Hash())] = true
	cells, bits = 1, int(c.BitsSize())
	for i := range c.RefsNum() {
		n, m := sizeOf(must(c.PeekRef(int(i))), seen)
		cells, bits = cells+n, bits+m
	}
	return cells, bits
}
