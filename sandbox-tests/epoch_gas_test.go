package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// at puts the epoch's state where a long history would: the first done leaves
// published or, in the paying phase, pushed, and a claim in each of words words.
func (s *epochStory) at(phase wrappers.EpochPhase, done, words int) {
	s.t.Helper()
	published, cursor, last, sum := s.tree.Len(), done, s.leaves[s.tree.Len()-1].Provider, s.tree.Total()
	if phase == wrappers.EpochPublishing {
		published, cursor, last, sum = done, 0, cocoon.Account{}, cocoon.Nano{}
		for _, l := range s.leaves[:done] {
			last, sum = l.Provider, plus(s.t, sum, l.Amount.Nano)
		}
	}
	levels := 0
	for room := 3; room*1000 < s.tree.Len(); room = 4*room + 3 {
		levels++
	}
	b := cell.BeginCell().MustStoreUInt(8|uint64(phase), 4).MustStoreUInt(uint64(s.now)+epochTermsSeconds, 32).
		MustStoreUInt(uint64(cursor), 18).MustStoreUInt(uint64(published), 18).MustStoreSlice(last[:], 256).
		MustStoreBigCoins(cocoon.Nano{}.Big()).MustStoreBigCoins(sum.Big())
	for tree := range 3 {
		b.MustStoreRef(claimsAt(words, 3, tree, levels))
	}
	s.place(s.epoch, b.MustStoreRef(body(s.t, wrappers.EpochOpened{Rewards: s.birth.Rewards, Number: s.birth.Number, Attempt: s.birth.Attempt,
		ReceiptKey: publicOf("receipts"), Root: s.tree.Root(), Total: wrappers.Coins{Nano: s.tree.Total()}, Count: uint32(s.tree.Len()), Terms: &epochTerms})).EndCell())
}

// claimsAt is the tree with every step-th word of claims from word on: claims of
// leaves that earned nothing, no two words alike, in the first words.
func claimsAt(words, step, word, levels int) *cell.Cell {
	b, n := cell.BeginCell(), 0
	for bit := range 1000 {
		free := (1000*word+bit)%16 == 15
		b.MustStoreUInt(b2u(word < words && free && word>>(n%8)&1 == 1), 1)
		n += int(b2u(free))
	}
	for child := 0; child < 4 && levels > 0; child++ {
		b.MustStoreRef(claimsAt(words, 4*step, word+step*(child+1), levels-1))
	}
	return b.EndCell()
}

const epochTermsSeconds = 3600

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// The largest tree there can be, and the places in it where paths are longest:
// both sides of the middle, and of a word of claims.
var (
	largest  = wrappers.MaxEpochLeaves
	pageEnds = []int{largest / 2, 65_100}
)

func TestEpochGas_PublishOfTheLargestTree(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(largest))
	s.open()
	for _, count := range []int{1, 2, 10, 100, wrappers.MaxPublishPage} {
		for _, from := range []int{0, largest/2 - count/2, largest - count} {
			s.at(wrappers.EpochPublishing, from, 0)
			step := tell(s, s.fees(count).Publish, s.page(from, count)).requireOK(t).steps[0]
			requirePageGas(t, "publish", count, wrappers.MaxPublishPage, step.gas)
			if count == wrappers.MaxPublishPage && from > 0 && from+count < largest {
				requireGas(t, "epoch/publish 500 of 131072", step.gas)
			}
		}
	}
	require.Equal(t, wrappers.EpochWindow, s.state().Phase)
}

func TestEpochGas_PushOfTheLargestTree(t *testing.T) {
	t.Parallel()
	leaves := leavesOf(largest)
	for i := range leaves { // every one is paid
		leaves[i].Amount = wrappers.Coins{Nano: cocoon.NanoOf(1_500_000_000)}
	}
	s := newEpochStory(t, leaves)
	s.open()
	for _, count := range []int{1, 2, 10, 100, wrappers.MaxPushPage} {
		for _, end := range pageEnds {
			from := end - count/2
			s.at(wrappers.EpochPaying, from, 0)
			step := tell(s, s.fees(count).Push, s.payout(from, count)).requireOK(t).steps[0]
			requirePageGas(t, "push", count, wrappers.MaxPushPage, step.gas)
			if count == wrappers.MaxPushPage && end == largest/2 {
				requireGas(t, "epoch/push 250 of 131072", step.gas)
			}
		}
	}
	s.requireBooks()
}

func TestEpochGas_PushAmongClaims(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(largest))
	s.open()
	from := 65_000 - wrappers.MaxPushPage/2
	s.at(wrappers.EpochPaying, from, 132)
	step := tell(s, s.fees(wrappers.MaxPushPage).Push, s.payout(from, wrappers.MaxPushPage)).requireOK(t).steps[0]
	requireGas(t, "epoch/push 250 of 131072, among claims", step.gas)
	require.LessOrEqual(t, step.gas, constantOf(t, "gas::push")+wrappers.MaxPushPage*constantOf(t, "gas::push_leaf"))
}

// busy is how many leaves the figures that have ceilings are measured among;
// paths are longest on both sides of its middle.
const (
	busy       = 100_000
	busyMiddle = 1 << 16
)

// perItem is what each of n cost, rounded up.
func perItem(gas int64, n int) int64 { return (gas + int64(n) - 1) / int64(n) }

func TestEpochGas_PagesAmongAHundredThousandLeaves(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(busy))
	s.open()
	from := busyMiddle - wrappers.MaxPublishPage/2
	s.at(wrappers.EpochPublishing, from, 0)
	page := tell(s, s.fees(wrappers.MaxPublishPage).Publish, s.page(from, wrappers.MaxPublishPage)).requireOK(t).steps[0]
	requireGas(t, "epoch/publish 500 of 100000, a leaf", perItem(page.gas, wrappers.MaxPublishPage))

	from = busyMiddle - wrappers.MaxPushPage/2
	s.at(wrappers.EpochPaying, from, 100)
	claimed := 0
	for i := from; i < from+wrappers.MaxPushPage; i += 10 {
		if !s.leaves[i].Amount.IsZero() {
			tell(s, s.fees(0).Claim, s.claim(i)).requireOK(t)
			claimed++
		}
	}
	require.Positive(t, claimed)
	pushed := tell(s, s.fees(wrappers.MaxPushPage).Push, s.payout(from, wrappers.MaxPushPage)).requireOK(t).steps[0]
	payouts := len(pushed.out) - 1 // one is the change
	require.Less(t, payouts, wrappers.MaxPushPage-claimed, "claims and zeros are skipped")
	requireGas(t, "epoch/push 250 of 100000, among claims, a payout", perItem(pushed.gas, payouts))
}

// dearestProof is the most gas that prove needs in a tree: of a leaf that is too
// low or missing, at the ends and where paths are longest.
func dearestProof(t *testing.T, leaves int) (most int64) {
	t.Helper()
	s := newEpochStory(t, leavesOf(leaves))
	s.open()
	huge, tooMuch := s.leaves[leaves-1].Provider, coins(mostCoins(t)).Nano
	huge[0] = 0xff
	after := func(i int) cocoon.Account { a := s.leaves[i].Provider; a[16] = 1; return a }
	for index, provider := range map[int]cocoon.Account{0: {31: 1}, 1: s.leaves[1].Provider, 1 << 15: after(1<<15 - 1), busyMiddle: s.leaves[busyMiddle].Provider,
		busyMiddle + 1: after(busyMiddle), leaves - 1: s.leaves[leaves-1].Provider, leaves: huge} {
		s.at(wrappers.EpochWindow, 0, 0)
		m, fee := s.refute(index, provider, tooMuch), s.fees(0).Prove
		for _, more := range []cocoon.Nano{cocoon.NanoOf(1), ton(1)} { // what is too little to be given back, and what is not
			s.undone(func() trace { return tell(s, plus(t, fee, more), m) })
		}
		tr := tell(s, fee, m)
		require.Zero(t, tr.steps[0].exit, "leaf %d", index)
		most = max(most, tr.steps[0].gas)
		s.send(s.rewards, s.refill()).requireOK(t) // failed has taken it along
	}
	return most
}

// refill is a transfer of what the epoch holds while it is in its window.
func (s *epochStory) refill() chain.Message {
	return chain.Message{To: s.epoch, Amount: plus(s.t, s.needed(), ton(1))}
}

func TestEpochGas_Prove(t *testing.T) {
	t.Parallel()
	requireGas(t, "epoch/prove of 100000", dearestProof(t, busy))
	most := dearestProof(t, largest)
	requireGas(t, "epoch/prove of 131072", most)
	requireGasConstant(t, "prove", most)
}

func TestEpochGas_Claim(t *testing.T) {
	t.Parallel()
	small := paying(t, 10_000)
	requireGas(t, "epoch/claim of 10000, the first", tell(small, small.fees(0).Claim, small.claim(5_001)).requireOK(t).steps[0].gas)
	small.at(wrappers.EpochPaying, 0, 10)
	requireGas(t, "epoch/claim of 10000, among claims", tell(small, small.fees(0).Claim, small.claim(5_001)).requireOK(t).steps[0].gas)

	s := newEpochStory(t, leavesOf(largest))
	s.open()
	var most int64
	for _, index := range []int{0, 1, 999, 1_000, 64_500, 65_534, 65_536, 127_900, 128_000, largest - 2} {
		s.at(wrappers.EpochPaying, 0, 132)
		most = max(most, tell(s, s.fees(0).Claim, s.claim(index)).requireOK(t).steps[0].gas)
	}
	requireGas(t, "epoch/claim of 131072, among claims", most)
	requireGasConstant(t, "claim", most)
}

// Whoever attaches more than the fee pays for the change as well, down to the
// last nanoTON: else a crowd of claims would eat what others are owed.
func TestEpochGas_ChangeIsPaidForByWhoGetsIt(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(largest))
	s.open()
	s.at(wrappers.EpochPaying, 0, 132)
	change := plus(t, s.gasFee(constantOf(t, "gas::change")), minus(t, s.fees(0).Claim, s.gasFee(constantOf(t, "gas::claim")))) // and a message's way
	for index, more := range []cocoon.Nano{{}, cocoon.NanoOf(1), change, plus(t, change, cocoon.NanoOf(1)), ton(1)} {
		held := s.balance(s.epoch)
		tr := tell(s, plus(t, s.fees(0).Claim, more), s.claim(127_904+index)).requireOK(t)
		require.NotEqual(t, -1, plus(t, s.balance(s.epoch), s.leaves[127_904+index].Amount.Nano).Cmp(held), "%s attached", more)
		require.Equal(t, more.Cmp(change) > 0, len(tr.steps) == 3, "%s attached", more)
	}
	s.requireBooks()
}

func TestEpochGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(largest))
	s.open()
	tell(s, s.fees(wrappers.MaxPublishPage).Publish, s.page(0, wrappers.MaxPublishPage)).requireOK(t)
	used := s.account(s.epoch).State().StorageInfo.StorageUsed
	cells, bits := used.CellsUsed.Int64(), used.BitsUsed.Int64()
	// amounts and words of claims may still grow
	requireConstant(t, "cells::epoch", cells)
	requireConstant(t, "bits::epoch", bits+2*124)
	s.at(wrappers.EpochPaying, 0, 132)
	tell(s, s.fees(0).Claim, s.claim(64_000)).requireOK(t)
	used = s.account(s.epoch).State().StorageInfo.StorageUsed
	requireConstant(t, "cells::epoch_word", (used.CellsUsed.Int64()-cells+131)/132)
	requireConstant(t, "bits::epoch_word", (used.BitsUsed.Int64()-bits+131)/132)
}
