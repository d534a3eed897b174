package sandboxtests

import (
	"fmt"
	"maps"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// oddLeaves are n leaves of providers 1, 3, 5 and so on, so that there is room between them.
func oddLeaves(n int) []wrappers.Leaf {
	leaves := make([]wrappers.Leaf, n)
	for i := range leaves {
		leaves[i].Provider, leaves[i].Amount = providerAt(2*i+1), coins(cocoon.NanoOf(1_000_000_000+uint64(i)))
	}
	return leaves
}

// inWindow is a published epoch of these leaves whose rewards is a wallet.
func inWindow(t *testing.T, leaves []wrappers.Leaf) *epochStory {
	t.Helper()
	s := newEpochStory(t, leaves)
	s.open()
	s.publish()
	return s
}

// proveIn is what a provider does about a tree that gives it less than its receipt.
func proveIn(t *testing.T, leaves []wrappers.Leaf, index, provider int, amount cocoon.Nano) {
	t.Helper()
	s := withKey(t)
	before, pot := s.state(), s.pot()
	e, tr := s.openEpoch(leaves)
	tr.requireOK(t)
	e.publish()
	m := e.refute(index, providerAt(provider), amount)
	tr = s.requireLeast(t, e.epoch, e.fees(0).Prove, func(value cocoon.Nano) trace { return tell(e, value, m) })
	tr.requireOps(t, opProve, opFailed, opIncome, opPayout)
	quarter, rest := cocoon.NanoOf(12_500_000_000), cocoon.NanoOf(37_500_000_000)
	require.Equal(t, body(t, wrappers.Failed{QueryID: 8, Number: 1, Penalty: coins(ton(50)), Proven: providerAt(provider)}).Hash(), tr.step(t, opFailed).body.Hash())
	require.Equal(t, quarter, tr.paidTo(t, providerAt(provider)))
	require.Equal(t, rest, tr.paidTo(t, wallet("treasury")))

	require.Equal(t, wrappers.EpochFailed, e.state().Phase)
	require.Equal(t, providerAt(provider), e.state().Last)
	r := s.state()
	require.Equal(t, []any{before.Number, uint16(1), cocoon.Account{}}, []any{r.Number, r.Attempt, r.Pending})
	require.Equal(t, minus(t, before.Bond, ton(50)), r.Bond)
	require.Equal(t, pot, r.Cap)
	require.NotEqual(t, -1, s.pot().Cmp(pot), "the pot is whole again")
	s.requireBooks()
}

func TestEpoch_TreeThatFallsShortOfAReceiptDies(t *testing.T) {
	t.Parallel()
	one, four := oddLeaves(1), oddLeaves(4) // of 1, and of 1, 3, 5, 7
	for name, c := range map[string]struct {
		leaves          []wrappers.Leaf
		index, provider int
		amount          uint64
	}{
		"the first is paid less":             {four, 0, 1, 1_000_000_001},
		"one in the middle is paid less":     {four, 1, 3, 1_000_000_002},
		"the last is paid less":              {four, 3, 7, 5_000_000_000},
		"the only one is paid less":          {one, 0, 1, 1_000_000_001},
		"one is left out before the first":   {four, 0, 0, 1},
		"one is left out in the middle":      {four, 2, 4, 1},
		"one is left out before the last":    {four, 3, 6, 1},
		"one is left out after the last":     {four, 4, 8, 1},
		"one is left out before the only":    {one, 0, 0, 1},
		"one is left out after the only one": {one, 1, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proveIn(t, c.leaves, c.index, c.provider, cocoon.NanoOf(c.amount))
		})
	}
}

// undone lets act happen and then not have happened.
func (w *world) undone(act func() trace) trace {
	before := *w
	w.accounts = maps.Clone(w.accounts)
	w.received, w.paid, w.fees = new(big.Int).Set(w.received), new(big.Int).Set(w.paid), new(big.Int).Set(w.fees)
	defer func() { *w = before }()
	return act()
}

// Every receipt over every place: those that the tree falls short of refute it
// at one place, all others nowhere.
func TestEpoch_NothingButAShortfallRefutesATree(t *testing.T) {
	t.Parallel()
	s := inWindow(t, oddLeaves(4))
	for provider := range 9 {
		held := cocoon.Nano{} // by the tree for that provider
		if provider%2 == 1 {
			held = s.leaves[provider/2].Amount.Nano
		}
		place := provider / 2 // of the provider's leaf, or where it would be
		for _, amount := range []cocoon.Nano{cocoon.NanoOf(1), held, plus(t, held, cocoon.NanoOf(1)), mostCoins(t)} {
			if amount.IsZero() {
				continue
			}
			for index := range s.tree.Len() + 1 {
				want := int32(errWrongEvidence)
				if amount.Cmp(held) > 0 && index == place {
					want = 0
				}
				tr := s.undone(func() trace { return tell(s, ton(1), s.refute(index, providerAt(provider), amount)) })
				require.Equal(t, want, tr.steps[0].exit, "receipt of provider %d for %s at %d", provider, amount, index)
			}
		}
	}
}

func TestEpoch_ProveNeedsAReceiptOfThisNumber(t *testing.T) {
	t.Parallel()
	s := inWindow(t, oddLeaves(4))
	honest := earnedIn(s.rewards, s.birth.Number, providerAt(3), ton(3))
	for name, r := range notOf(t, honest) {
		s.requireRefused(t, r.code, s.epoch, func() trace { return tell(s, ton(1), s.proofAt(1, r.signedReceipt)) })
		require.Equal(t, wrappers.EpochWindow, s.state().Phase, name)
	}
	for _, number := range []uint32{s.birth.Number - 1, s.birth.Number + 1} {
		other := honest
		other.Number = number
		s.requireRefused(t, errWrongNumber, s.epoch, func() trace { return tell(s, ton(1), s.proofAt(1, signedBy(t, "receipts", other))) })
	}
	nobody := honest
	nobody.Provider = cocoon.Account{} // that would be a failure without a penalty
	s.requireRefused(t, errWrongEvidence, s.epoch, func() trace { return tell(s, ton(1), s.proofAt(0, signedBy(t, "receipts", nobody))) })
	s.requireRefused(t, errTrailing, s.epoch, func() trace {
		long := longer(body(t, s.proofAt(1, signedBy(t, "receipts", honest))))
		return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true, Body: long})
	})
	require.Zero(t, tell(s, ton(1), s.proofAt(1, signedBy(t, "receipts", honest))).steps[0].exit)
	s.requireBooks()
}

func TestEpoch_ProveNeedsAProofOfBothNeighbours(t *testing.T) {
	t.Parallel()
	s := inWindow(t, oddLeaves(4))
	other := treeOf(t, oddLeaves(5))
	page := func(tree *wrappers.EpochTree, from, count int) *cell.Cell {
		proof, err := tree.Proof(from, count)
		require.NoError(t, err)
		return proof
	}
	for name, c := range map[string]struct {
		provider, index int
		proof           *cell.Cell
		code            int32
	}{
		"of another tree":               {4, 2, page(other, 1, 2), errWrongPage},
		"that is none":                  {4, 2, page(s.tree, 1, 2).MustPeekRef(0), errWrongPage},
		"without the one before":        {4, 2, page(s.tree, 2, 1), errTrailing}, // pruned there
		"without the one after":         {4, 2, page(s.tree, 1, 1), errTrailing},
		"without the one before a leaf": {5, 2, page(s.tree, 2, 1), errTrailing},
		"behind the last leaf":          {8, 5, page(s.tree, 3, 1), errWrongPage},
		"far behind the last leaf":      {8, 1<<18 - 1, page(s.tree, 3, 1), errWrongPage},
	} {
		m := s.refute(0, providerAt(c.provider), ton(5))
		m.Index, m.Proof = uint32(c.index), c.proof
		s.requireRefused(t, c.code, s.epoch, func() trace { return tell(s, ton(1), m) })
		require.Equal(t, wrappers.EpochWindow, s.state().Phase, name)
	}
}

// A leaf behind the last one is nobody's neighbour, whatever provider it names:
// or a tree with one more cell than it says would convict whoever opened it.
func TestEpoch_LeafBehindTheLastConvictsNobody(t *testing.T) {
	t.Parallel()
	f := forge(t, cocoon.NanoOf(300), map[int]*cell.Cell{0: leafCell(t, 1, 100), 1: leafCell(t, 2, 200), 2: leafCell(t, 0, 5)}, 2)
	f.publish(0, 2).requireOK(t)
	prove := func(index, from, count int) trace {
		m := f.refute(0, providerAt(2), cocoon.NanoOf(200)) // which is what the tree gives it
		m.Index, m.Proof = uint32(index), f.proof(from, count)
		return tell(f.epochStory, ton(1), m)
	}
	f.requireRefused(t, errWrongPage, f.epoch, func() trace { return prove(3, 2, 1) })
	f.requireRefused(t, errWrongEvidence, f.epoch, func() trace { return prove(2, 1, 2) })
	f.requireRefused(t, errWrongEvidence, f.epoch, func() trace { return prove(1, 0, 2) })
	require.Equal(t, wrappers.EpochWindow, f.state().Phase)
	f.requireBooks()
}

func TestEpoch_ProveEndsWhenPassBegins(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, oddLeaves(4))
	m := s.refute(1, providerAt(3), ton(5))
	prove := func() trace { return tell(s, ton(1), m) }
	s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Init: s.openMessage().Init}).requireOK(t)
	s.requireRefused(t, errWrongPhase, s.epoch, prove)
	s.open()
	s.requireRefused(t, errWrongPhase, s.epoch, prove)
	s.publish()
	s.now = s.state().Until - 1
	require.Zero(t, s.undone(prove).steps[0].exit, "the last second")
	s.advance(time.Second)
	s.requireRefused(t, errTooLate, s.epoch, prove)
	tell(s, s.fees(0).Pass, wrappers.Pass{Response: wallet("change")}).requireOK(t)
	s.requireRefused(t, errWrongPhase, s.epoch, prove)
	s.requireBooks()
}

func TestEpoch_ProofHappensOnce(t *testing.T) {
	t.Parallel()
	s := inWindow(t, oddLeaves(4))
	m := s.refute(1, providerAt(3), ton(5))
	require.Zero(t, tell(s, ton(1), m).steps[0].exit)
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), m) })
	other := s.refute(2, providerAt(4), ton(5))
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), other) })
	require.Equal(t, providerAt(3), s.state().Last)
}

func TestEpoch_OpenedWithoutAKeyCannotBeRefuted(t *testing.T) {
	t.Parallel()
	for _, key := range [][32]byte{{}, {1}} { // under the identity key anything could verify
		s := newEpochStory(t, oddLeaves(4))
		m := s.openMessage()
		m.Body = body(t, wrappers.Open{Root: s.tree.Root(), Total: coins(s.tree.Total()), Count: 4, ReceiptKey: key, Terms: &epochTerms})
		s.send(s.rewards, m).requireOK(t)
		s.publish()
		s.requireRefused(t, errWrongKey, s.epoch, func() trace { return tell(s, ton(1), s.refute(1, providerAt(3), ton(5))) })
	}
}

func TestEpoch_ProveGivesBackWhatIsWorthAMessage(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	e, tr := s.openEpoch(oddLeaves(4))
	tr.requireOK(t)
	e.publish()
	fee, m := e.fees(0).Prove, e.refute(1, providerAt(3), ton(5))
	for _, more := range []cocoon.Nano{cocoon.NanoOf(1), ton(2)} {
		tr = s.undone(func() trace { return tell(e, plus(t, fee, more), m) }).requireOK(t)
		back := tr.paidTo(t, wallet("change"))
		require.NotEqual(t, 1, back.Cmp(more))
		require.Equal(t, more.Cmp(ton(1)) < 0, back.IsZero(), "%s on top", more)
		require.Zero(t, tr.paidTo(t, e.epoch).Cmp(plus(t, fee, more)))
		require.Equal(t, tr.steps[0].to, e.epoch)
	}
}

// The wallet in place of rewards has no code, so failed comes back, as from a
// rewards contract that is frozen.
func TestEpoch_FailsAgainWithWhatWasProven(t *testing.T) {
	t.Parallel()
	s := inWindow(t, oddLeaves(4))
	want := body(t, wrappers.Failed{QueryID: 8, Number: 7, Attempt: 2, Penalty: epochTerms.Penalty, Proven: providerAt(3)}).Hash()
	tr := tell(s, s.fees(0).Prove, s.refute(1, providerAt(3), ton(5)))
	tr.requireOps(t, opProve, opFailed, 0xffffffff)
	require.Equal(t, want, tr.steps[1].body.Hash())
	for range 3 {
		require.NotEqual(t, -1, s.balance(s.epoch).Cmp(s.needed()), "the money is here again")
		require.Equal(t, providerAt(3), s.state().Last)
		s.requireRefused(t, errNotEnoughValue, s.epoch, func() trace { return tell(s, less1(t, s.fees(0).Fail), wrappers.Fail{QueryID: 8}) })
		tr = tell(s, s.fees(0).Fail, wrappers.Fail{QueryID: 8, Response: wallet("change")})
		tr.requireOps(t, opFail, opFailed, opExcesses, 0xffffffff)
		require.Equal(t, want, tr.steps[1].body.Hash(), "the penalty is not forgotten")
	}
	s.requireBooks()
}

// Whoever was not published in time was proven by nobody.
func TestEpoch_UnpublishedFailsWithoutAPenalty(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, oddLeaves(4))
	s.open()
	tell(s, s.fees(2).Publish, s.page(0, 2)).requireOK(t)
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	for attempt := range 2 {
		tr := tell(s, s.fees(0).Fail, wrappers.Fail{QueryID: 8})
		require.Equal(t, body(t, wrappers.Failed{QueryID: 8, Number: 7, Attempt: 2}).Hash(), tr.steps[1].body.Hash(), fmt.Sprint(attempt))
	}
	require.True(t, s.state().Last.IsZero(), "the last published leaf proved nothing")
}
