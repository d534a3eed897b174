package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// bounces are b as it comes back in each way that the network has: its first
// bits, all of it, or its root alone.
func bounces(b *cell.Cell) map[string]*cell.Cell {
	bits := min(b.BitsSize(), 256)
	info := cell.BeginCell().MustStoreBigCoins(ton(1).Big()).MustStoreUInt(1, 64).MustStoreUInt(genesis, 32).EndCell()
	newer := func(original *cell.Cell) *cell.Cell {
		return cell.BeginCell().MustStoreUInt(0xfffffffe, 32).MustStoreRef(original).MustStoreRef(info).
			MustStoreUInt(0, 8).MustStoreUInt(errWrongPhase, 32).MustStoreUInt(0, 1).EndCell()
	}
	return map[string]*cell.Cell{
		"256 bits":  cell.BeginCell().MustStoreUInt(0xffffffff, 32).MustStoreSlice(b.MustBeginParse().MustLoadSlice(bits), bits).EndCell(),
		"the whole": newer(b),
		"the root":  newer(withRefs(cell.BeginCell().MustStoreSlice(b.MustBeginParse().MustLoadSlice(b.BitsSize()), b.BitsSize()).EndCell(), b, 0)),
	}
}

// comeBack delivers b as a bounce from an account.
func (s *scene) comeBack(t rapid.TB, from cocoon.Account, value cocoon.Nano, b *cell.Cell) {
	t.Helper()
	in := chain.Message{To: s.at, Amount: value, Body: b}.Internal()
	in.SrcAddr, in.Bounced = chain.Address(from), true
	held := s.balance(s.at)
	tr := s.run(s.letter(in))
	tr.requireBouncedQuietly(t)
	require.NotEqual(t, -1, s.balance(s.at).Cmp(held), "what came back stays")
}

// showBounce: the operation that arrives as a bounce is none.
func showBounce(t *testing.T, r row) {
	s := r.scene(t)
	for name, b := range bounces(s.body) {
		t.Log(name)
		if s.bounced != nil { // it may do so but once
			s = r.scene(t)
		}
		before := s.hash()
		s.comeBack(t, wallet("stranger"), ton(1), b)
		if s.holdsCode(s.from) {
			s.received.Add(s.received, ton(1).Big())
		}
		s.comeBack(t, s.from, ton(1), b)
		if s.bounced == nil {
			require.Equal(t, before, s.hash(), "a bounce must change nothing")
		} else {
			s.bounced()
		}
		s.requireBooks()
	}
}

// showWayBack: what an operation sends is lost nowhere. Nothing asks to come
// back but what the row says, and that undoes what its receiver did not take.
func showWayBack(t *testing.T, r row) {
	s := r.scene(t)
	letters := s.bounceable(t)
	if s.road == 0 {
		require.Empty(t, letters)
		return
	}
	require.Len(t, letters, 1)
	require.Equal(t, s.road, (&step{body: letters[0].Body}).op())
	for name, b := range bounces(letters[0].Body) {
		t.Log(name)
		s = r.scene(t)
		s.undeliverable(t, s.bounceable(t)[0], b)
		s.back()
		s.requireBooks()
	}
}

// undeliverable brings m back as b, from where no contract is.
func (s *scene) undeliverable(t *testing.T, m *tlb.InternalMessage, b *cell.Cell) {
	t.Helper()
	to, err := chain.AccountOf(m.DstAddr)
	require.NoError(t, err)
	value, err := cocoon.NanoFromBig(m.Amount.Nano())
	require.NoError(t, err)
	if m.StateInit != nil { // as the books have it, that contract was born
		s.paid.Add(s.paid, m.Amount.Nano())
	}
	s.comeBack(t, to, value, b)
}

// bounceable are the messages of the contract that may come back. None is delivered.
func (s *scene) bounceable(t *testing.T) (letters []*tlb.InternalMessage) {
	t.Helper()
	if s.holdsCode(s.from) {
		s.received.Add(s.received, s.value.Big())
	}
	in := chain.Message{To: s.at, Amount: s.value, Bounce: !s.kept, Body: s.body}.Internal()
	in.SrcAddr = chain.Address(s.from)
	got, _ := s.deliver(s.letter(in))
	require.Zero(t, got.exit)
	require.Zero(t, got.action)
	for _, m := range got.out {
		if m.Bounce {
			letters = append(letters, m)
		}
	}
	return letters
}
