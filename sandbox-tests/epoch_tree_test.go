package sandboxtests

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// forgery is a tree that NewEpochTree would not build.
type forgery struct {
	*epochStory
	root *cell.Cell
}

// forge opens an epoch over values, whatever they are.
func forge(t *testing.T, total cocoon.Nano, values map[int]*cell.Cell, count int) *forgery {
	t.Helper()
	dict := cell.NewDict(17)
	for i, v := range values {
		require.NoError(t, dict.Set(cell.BeginCell().MustStoreUInt(uint64(i), 17).EndCell(), v))
	}
	f := &forgery{newEpochStory(t, leavesOf(1)), dict.AsCell()}
	m := f.openMessage()
	m.Amount = plus(t, total, plus(t, total, ton(1)))
	m.Body = body(t, wrappers.Open{Root: [32]byte(f.root.Hash()), Total: wrappers.Coins{Nano: total}, Count: uint32(count), Terms: &epochTerms})
	f.send(f.rewards, m).requireOK(t)
	return f
}

func (f *forgery) publish(from, count int) trace {
	f.t.Helper()
	return tell(f.epochStory, f.fees(count).Publish, wrappers.Publish{From: uint32(from), Count: uint16(count), Page: f.proof(from, count)})
}

func (f *forgery) proof(from, count int) *cell.Cell {
	f.t.Helper()
	b := cell.NewMerkleProofBuilder(f.root)
	for i := from; i < from+count; i++ {
		_, _ = b.Root().AsDict(17).LoadValueByUintKey(uint64(i)) // a missing one shows that it is missing
	}
	proof, err := b.CreateProof()
	require.NoError(f.t, err)
	return proof
}

func leafCell(t *testing.T, provider int, amount uint64) *cell.Cell {
	t.Helper()
	return body(t, wrappers.Leaf{Provider: providerAt(provider), Amount: wrappers.Coins{Nano: cocoon.NanoOf(amount)}})
}

// padded is the leaf of provider 1 with an amount that takes so many bytes.
func padded(amount uint64, bytes uint) *cell.Cell {
	account := providerAt(1)
	return cell.BeginCell().MustStoreSlice(account[:], 256).MustStoreUInt(uint64(bytes), 4).
		MustStoreBigUInt(new(big.Int).SetUint64(amount), 8*bytes).MustStoreSlice(make([]byte, 22), 176).EndCell()
}

// cut is c without its last bit.
func cut(c *cell.Cell) *cell.Cell {
	bits := c.BitsSize() - 1
	return cell.BeginCell().MustStoreSlice(c.MustBeginParse().MustLoadSlice(bits), bits).EndCell()
}

func TestEpoch_DishonestTreeDiesWhenItIsPublished(t *testing.T) {
	t.Parallel()
	nobody := body(t, wrappers.Leaf{Amount: wrappers.Coins{Nano: ton(1)}})
	most := body(t, wrappers.Leaf{Provider: providerAt(2), Amount: wrappers.Coins{Nano: mostCoins(t)}})
	a, b, c := leafCell(t, 0, 100), leafCell(t, 1, 200), leafCell(t, 2, 300)
	for name, story := range map[string]struct {
		values map[int]*cell.Cell
		total  uint64
		code   int32
	}{
		"the same provider twice":    {map[int]*cell.Cell{0: a, 1: a, 2: c}, 500, errWrongOrder},
		"a provider out of order":    {map[int]*cell.Cell{0: a, 1: c, 2: b}, 600, errWrongOrder},
		"nobody as a provider":       {map[int]*cell.Cell{0: nobody, 1: b, 2: c}, 600, errWrongOrder},
		"more than the total":        {map[int]*cell.Cell{0: a, 1: b, 2: c}, 599, errWrongSum},
		"less than the total":        {map[int]*cell.Cell{0: a, 1: b, 2: c}, 601, errWrongSum},
		"more than there is":         {map[int]*cell.Cell{0: a, 1: b, 2: most}, 600, errWrongSum},
		"a hole":                     {map[int]*cell.Cell{0: a, 2: c, 3: b}, 400, errWrongPage},
		"a leaf with a bit too many": {map[int]*cell.Cell{0: a, 1: longer(b), 2: c}, 600, errTrailing},
		"a leaf with a reference":    {map[int]*cell.Cell{0: a, 1: b.ToBuilder().MustStoreRef(c).EndCell(), 2: c}, 600, errTrailing},
		"an amount behind a zero":    {map[int]*cell.Cell{0: a, 1: padded(200, 2), 2: c}, 600, errWrongAmount},
		"an amount behind 14 zeros":  {map[int]*cell.Cell{0: a, 1: padded(200, 15), 2: c}, 600, errWrongAmount},
		"nothing in a byte":          {map[int]*cell.Cell{0: a, 1: padded(0, 1), 2: c}, 400, errWrongAmount},
		"a leaf cut short":           {map[int]*cell.Cell{0: a, 1: cut(b), 2: c}, 600, errTrailing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t, cocoon.NanoOf(story.total), story.values, 3)
			f.requireRefused(t, story.code, f.epoch, func() trace { return f.publish(0, 3) })
			require.Equal(t, wrappers.EpochPublishing, f.state().Phase)
			f.requireBooks()
		})
	}
	// as long as it needs to be, whatever that is
	require.Equal(t, leafCell(t, 1, 200).Hash(), padded(200, 1).Hash())
	for _, amount := range []uint64{0, 1, 255, 256, 1<<16 - 1, 1 << 16, 1<<63 - 1} {
		f := forge(t, cocoon.NanoOf(100+amount), map[int]*cell.Cell{0: a, 1: leafCell(t, 1, amount)}, 2)
		f.publish(0, 2).requireOK(t)
	}
	honest := forge(t, cocoon.NanoOf(600), map[int]*cell.Cell{0: a, 1: b, 2: c}, 3)
	honest.publish(0, 3).requireOK(t)
	require.Equal(t, wrappers.EpochWindow, honest.state().Phase)
}

func TestEpoch_OrderAndSumHoldAcrossPages(t *testing.T) {
	t.Parallel()
	a, b, c := leafCell(t, 0, 100), leafCell(t, 1, 200), leafCell(t, 2, 300)
	f := forge(t, cocoon.NanoOf(600), map[int]*cell.Cell{0: b, 1: a, 2: c}, 3)
	f.publish(0, 1).requireOK(t)
	f.requireRefused(t, errWrongOrder, f.epoch, func() trace { return f.publish(1, 2) })
	f = forge(t, cocoon.NanoOf(250), map[int]*cell.Cell{0: a, 1: b, 2: c}, 3)
	f.publish(0, 1).requireOK(t)
	f.requireRefused(t, errWrongSum, f.epoch, func() trace { return f.publish(1, 1) })
}

func TestEpoch_PageMustBeAProofOfItsRoot(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(20))
	s.open()
	other, err := wrappers.NewEpochTree(leavesOf(21))
	require.NoError(t, err)
	foreign, err := other.Proof(0, 5)
	require.NoError(t, err)
	honest := s.page(0, 5)
	for name, page := range map[string]*cell.Cell{
		"of another tree": foreign,
		"not a proof":     honest.Page.MustPeekRef(0),
		"the bare tree":   cell.BeginCell().MustStoreUInt(3, 8).MustStoreSlice(s.birthRoot(), 256).MustStoreUInt(5, 16).MustStoreRef(honest.Page.MustPeekRef(0)).EndCell(),
	} {
		forged := honest
		forged.Page = page
		s.requireRefused(t, errWrongPage, s.epoch, func() trace { return tell(s, ton(1), forged) })
		require.EqualValues(t, 0, s.state().Published, name)
	}
	pruned := s.page(0, 4)
	pruned.Count = 5
	s.requireRefused(t, errTrailing, s.epoch, func() trace { return tell(s, ton(1), pruned) })
}

// birthRoot is the root the epoch was opened with.
func (s *epochStory) birthRoot() []byte { root := s.tree.Root(); return root[:] }

func TestEpoch_LeavesBehindTheLastAreNeverPaid(t *testing.T) {
	t.Parallel()
	f := forge(t, cocoon.NanoOf(300), map[int]*cell.Cell{0: leafCell(t, 0, 100), 1: leafCell(t, 1, 200), 2: leafCell(t, 2, 300)}, 2)
	f.requireRefused(t, errWrongPage, f.epoch, func() trace { return f.publish(0, 3) })
	f.publish(0, 2).requireOK(t)
	f.pass()
	f.requireRefused(t, errWrongPage, f.epoch, func() trace { return tell(f.epochStory, ton(1), wrappers.Push{Count: 3, Page: f.proof(0, 3)}) })
	f.requireRefused(t, errWrongPage, f.epoch, func() trace { return tell(f.epochStory, ton(1), wrappers.Claim{Index: 2, Proof: f.proof(2, 1)}) })
	tell(f.epochStory, ton(1), wrappers.Push{Count: 2, Page: f.proof(0, 2)}).requireOK(t)
	f.requireRefused(t, errWrongPage, f.epoch, func() trace { return tell(f.epochStory, ton(1), wrappers.Push{From: 2, Count: 1, Page: f.proof(2, 1)}) })
	require.Equal(t, cocoon.NanoOf(300), f.state().Paid)
	f.requireBooks()
}
