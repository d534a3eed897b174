package sandboxtests

import (
	"flag"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// scaleLeaves is small enough here to run with all tests; make bench-scale asks for 100,000.
var scaleLeaves = flag.Int("leaves", 3_000, "leaves of the epoch of TestScale_EpochFromOpenToFinish")

// between is how far apart pages are sent, so that the epoch pays rent on the way.
const between = 30 * time.Second

// epochScale is the life of one epoch with what it cost.
type epochScale struct {
	*epochStory
	prices map[int]wrappers.EpochFees // by the size of a page

	Leaves  int                `json:"leaves"`
	Paid    int                `json:"paid"` // leaves that earned something
	Claimed int                `json:"claimed"`
	Steps   map[string]*effort `json:"steps"`
	Total   *effort            `json:"total"`
	State   stateSize          `json:"largest_state"`
	Memory  uint64             `json:"memory_mib"`
}

// stateSize is the largest that the epoch's account was, code included, beside
// the most that its reserve pays for.
type stateSize struct {
	Cells      int64 `json:"cells"`
	Bits       int64 `json:"bits"`
	BoundCells int64 `json:"bound_cells"`
	BoundBits  int64 `json:"bound_bits"`
}

// openScale opens an epoch of n leaves out of a real rewards contract's pot.
func openScale(t *testing.T, n int) *epochScale {
	t.Helper()
	r := withTerms(t)
	leaves := leavesOf(n)
	total := treeOf(t, leaves).Total()
	try(r, wallet("patron"), plus(t, total, plus(t, total, r.fees(0).Fund)), wrappers.Fund{Amount: coins(plus(t, total, total)), Response: wallet("change")}).requireOK(t)
	s := &epochScale{epochStory: r.nextEpoch(leaves), prices: map[int]wrappers.EpochFees{}, Leaves: n, Steps: map[string]*effort{}, Total: begin()}
	words := (int64(n) + 999) / 1000
	s.State.BoundCells = constantOf(t, "cells::epoch") + words*constantOf(t, "cells::epoch_word")
	s.State.BoundBits = constantOf(t, "bits::epoch") + words*constantOf(t, "bits::epoch_word")
	s.step("open", func(e *effort) {
		m := message(r, r.fees(n).OpenEpoch, openMessageOf(s.tree))
		e.add(s.way(m), r.from(r.owner, m).requireOK(t))
	})
	return s
}

// step measures what f does, on top of what steps of that name did before.
func (s *epochScale) step(name string, f func(*effort)) {
	s.t.Helper()
	e := begin()
	f(e)
	s.Total.plus(e)
	if before := s.Steps[name]; before != nil {
		e.plus(before)
	}
	e.end(s.Leaves)
	s.Steps[name] = e
}

// way is what the sender of m pays for its way, which no transaction of ours shows.
func (s *epochScale) way(m chain.Message) *big.Int {
	s.t.Helper()
	c, err := tlb.ToCell(m.Internal())
	require.NoError(s.t, err)
	cells, bits := sizeOf(c)
	return s.price(getForwardFee, cells-1, bits-int(c.BitsSize()), 0).Big() // the root is in the lump
}

// tellScale sends v to the epoch, lets time go on and looks at the state.
func tellScale[T any](s *epochScale, e *effort, value cocoon.Nano, v T) trace {
	s.t.Helper()
	m := chain.Message{To: s.epoch, Amount: value, Bounce: true, Body: body(s.t, v)}
	tr := s.send(wallet("stranger"), m).requireOK(s.t)
	e.add(s.way(m), tr)
	used := s.account(s.epoch).State().StorageInfo.StorageUsed
	s.State.Cells, s.State.Bits = max(s.State.Cells, used.CellsUsed.Int64()), max(s.State.Bits, used.BitsUsed.Int64())
	return tr
}

// feesOf are the epoch's for pages of count, asked once: prices do not change here.
func (s *epochScale) feesOf(count int) wrappers.EpochFees {
	s.t.Helper()
	f, known := s.prices[count]
	if !known {
		f = s.fees(count)
		s.prices[count] = f
	}
	return f
}

func (s *epochScale) publishAll(e *effort) {
	s.t.Helper()
	for from := 0; from < s.Leaves; from += wrappers.MaxPublishPage {
		count := min(wrappers.MaxPublishPage, s.Leaves-from)
		tellScale(s, e, s.feesOf(count).Publish, s.page(from, count))
		s.advance(between)
	}
	require.Equal(s.t, wrappers.EpochWindow, s.state().Phase)
}

// pushTo pays leaves from the cursor up to end and returns how many payouts left.
func (s *epochScale) pushTo(e *effort, end int) (payouts int) {
	s.t.Helper()
	for from := int(s.state().Cursor); from < end; from += wrappers.MaxPushPage {
		count := min(wrappers.MaxPushPage, end-from)
		tr := tellScale(s, e, s.feesOf(count).Push, s.payout(from, count))
		payouts += len(tr.steps) - 2 // the push itself, and its change
		s.advance(between)
	}
	return payouts
}

// claimAhead claims about one leaf in every step of those ahead of the cursor,
// each offset leaves into its step. Those that earned nothing are not to be claimed.
func (s *epochScale) claimAhead(e *effort, step, offset int) (claimed int) {
	s.t.Helper()
	for i := int(s.state().Cursor) + offset; i < s.Leaves; i += step {
		if !s.leaves[i].Amount.IsZero() {
			tr := tellScale(s, e, s.feesOf(0).Claim, s.claim(i))
			tr.requireOps(s.t, opClaim, opIncome)
			claimed++
		}
	}
	return claimed
}

// claimStep is how far claims lie from each other: no divisor of it is one of a
// page, of a word of claims or of the leaves that earned nothing.
const claimStep = 37

func (s *epochScale) requireEveryLeafPaidOnce(payouts int) {
	s.t.Helper()
	for i, l := range s.leaves {
		s.requirePaid(i, true)
		if !l.Amount.IsZero() {
			s.Paid++
		}
	}
	require.Equal(s.t, s.Paid, payouts+s.Claimed, "one payout a leaf")
	require.Equal(s.t, s.tree.Total(), s.state().Paid)
}

func TestScale_EpochFromOpenToFinish(t *testing.T) {
	t.Parallel()
	s := openScale(t, *scaleLeaves)
	s.step("publish", s.publishAll)
	s.advance(time.Duration(epochTerms.Window) * time.Second)
	s.step("pass", func(e *effort) {
		tellScale(s, e, s.feesOf(0).Pass, wrappers.Pass{Response: wallet("change")}).requireOps(t, opPass, opPassed, opExcesses)
	})
	payouts := 0
	s.step("claim", func(e *effort) { s.Claimed += s.claimAhead(e, claimStep, 0) })
	s.step("push", func(e *effort) { payouts += s.pushTo(e, s.Leaves/2) })
	s.step("claim", func(e *effort) { s.Claimed += s.claimAhead(e, claimStep, 7) })
	s.step("push", func(e *effort) { payouts += s.pushTo(e, s.Leaves) })
	s.step("finish", func(e *effort) {
		tellScale(s, e, s.feesOf(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOps(t, opFinish, opPayout, opRemainder, opExcesses)
	})
	s.requireEveryLeafPaidOnce(payouts)
	require.Equal(t, wrappers.EpochFinished, s.state().Phase)
	require.LessOrEqual(t, s.State.Cells, s.State.BoundCells)
	require.LessOrEqual(t, s.State.Bits, s.State.BoundBits)
	s.requireBooks()
	s.Total.end(s.Leaves)
	s.Memory = memoryMiB()
	writeFigures(t, s)
}
