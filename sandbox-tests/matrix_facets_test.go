package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// requireRefused wants b to fail with code, to change nothing, to cost the
// contract nothing, and the value to come back less what the refusal cost.
func (s *scene) requireRefused(t *testing.T, code int32, from cocoon.Account, value cocoon.Nano, b *cell.Cell) {
	t.Helper()
	before, held := s.hash(), s.balance(s.at)
	tr := s.post(from, value, b)
	tr.requireExit(t, code)
	require.Equal(t, before, s.hash(), "a refused message must change nothing")
	if s.kept {
		require.Len(t, tr.steps, 1)
		require.NotEqual(t, -1, s.balance(s.at).Cmp(held), "what came with it stays")
		return
	}
	require.Len(t, tr.steps, 2)
	require.True(t, tr.steps[1].bounced)
	require.Equal(t, from, tr.steps[1].to, "the value comes back")
	require.Equal(t, minus(t, held, tr.steps[0].rent), s.balance(s.at), "a refused message must cost the contract nothing")
	s.requireBooks()
}

// showLeast: the least value is enough for the whole trace, one nanoTON less is refused.
func showLeast(t *testing.T, r row) {
	s := r.scene(t)
	if s.unpriced {
		showAnyValue(t, r)
		return
	}
	s.requireRefused(t, errNotEnoughValue, s.from, less1(t, s.value), s.body)
	s.play().requireOK(t)
	s.requireBooks()
}

// showAnyValue: a report is taken whole or not at all, whatever comes with it,
// and never at the cost of the contract.
func showAnyValue(t *testing.T, r row) {
	s := r.scene(t)
	before := s.hash()
	s.play().requireOK(t)
	after := s.hash()
	for _, n := range []uint64{0, 1, 70_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 10_000_000} {
		s := r.scene(t)
		held := s.balance(s.at)
		first := s.post(s.from, cocoon.NanoOf(n), s.body).steps[0]
		if first.aborted || first.exit != 0 {
			require.Equal(t, before, s.hash(), "%d nanoTON: not taken, and yet it changed something", n)
		} else {
			require.Equal(t, after, s.hash(), "%d nanoTON: taken, but not whole", n)
		}
		require.NotEqual(t, -1, s.balance(s.at).Cmp(minus(t, held, first.rent)), "%d nanoTON: the contract paid for it", n)
		s.requireBooks()
	}
}

// showSender: whoever else sends it is refused, does the same, or nothing.
func showSender(t *testing.T, r row) {
	s := r.scene(t)
	for _, other := range s.others {
		switch r.who {
		case only:
			s.requireRefused(t, errWrongSender, other, plus(t, s.value, ton(1)), s.body)
		case ignored:
			s.requireIgnored(t, other)
		default:
			requireTheSame(t, r.scene(t), r.scene(t), other)
		}
	}
}

// requireIgnored wants the message to do nothing from other, and its value to come back.
func (s *scene) requireIgnored(t *testing.T, other cocoon.Account) {
	t.Helper()
	before, held := s.hash(), s.balance(s.at)
	tr := s.post(other, s.value, s.body).requireOK(t)
	require.Equal(t, before, s.hash())
	require.Equal(t, minus(t, held, tr.steps[0].rent), s.balance(s.at))
	tr.requireOps(t, tr.steps[0].op(), opExcesses)
}

// requireTheSame wants the message to do in b, from other, what it does in a.
func requireTheSame(t *testing.T, a, b *scene, other cocoon.Account) {
	t.Helper()
	ours, others := a.play().requireOK(t), b.post(other, b.value, b.body).requireOK(t)
	require.Equal(t, a.hash(), b.hash(), "anyone may send it, and it does the same")
	require.Equal(t, a.balance(a.at), b.balance(b.at))
	require.Len(t, others.steps, len(ours.steps))
}

// showWorkchain: an account elsewhere with the number of the right one is not
// that one, and is refused but where nobody is asked for.
func showWorkchain(t *testing.T, r row) {
	s := r.scene(t)
	before := s.hash()
	in := chain.Message{To: s.at, Amount: plus(t, s.value, ton(1)), Bounce: true, Body: s.body}.Internal()
	in.SrcAddr = address.NewAddress(0, 255, s.from[:])
	got, out := s.deliver(s.letter(in))
	if r.who == anywhere {
		here := r.scene(t)
		here.play().requireOK(t)
		require.Equal(t, here.hash(), s.hash())
		return
	}
	require.EqualValues(t, errWrongWorkchain, got.exit)
	require.Equal(t, before, s.hash())
	require.Len(t, out, 1, "the value goes back")
}

// letter is in as it travels.
func (s *scene) letter(in *tlb.InternalMessage) *cell.Cell {
	s.t.Helper()
	in.CreatedLT, in.CreatedAt = s.lt, s.now
	c, err := tlb.ToCell(in)
	require.NoError(s.t, err)
	return c
}

// shorter is c without its last bit.
func shorter(c *cell.Cell) *cell.Cell { return withRefs(cut(c), c, int(c.RefsNum())) }

// withRefs is c with the first n references of from.
func withRefs(c, from *cell.Cell, n int) *cell.Cell {
	b := c.ToBuilder()
	for i := range n {
		b.MustStoreRef(from.MustPeekRef(i))
	}
	return b.EndCell()
}

// showTrailing: a body that does not end where its fields do is refused.
func showTrailing(t *testing.T, r row) {
	s := r.scene(t)
	generous := plus(t, s.value, ton(1))
	stray := cell.BeginCell().MustStoreUInt(7, 8).EndCell()
	bodies := map[string]*cell.Cell{
		"a bit too many":       longer(s.body),
		"a reference too many": s.body.ToBuilder().MustStoreRef(stray).EndCell(),
		"a bit too few":        shorter(s.body),
	}
	if n := int(s.body.RefsNum()); n > 0 {
		bits := s.body.BitsSize()
		bodies["a reference too few"] = withRefs(cell.BeginCell().MustStoreSlice(s.body.MustBeginParse().MustLoadSlice(bits), bits).EndCell(), s.body, n-1)
	}
	for name, b := range bodies {
		t.Log(name)
		if s.unread {
			s.requireKept(t, b)
			continue
		}
		s.requireRefused(t, errTrailing, s.from, generous, b)
	}
}

// requireKept wants nothing that comes with b to leave the contract, whatever it says.
func (s *scene) requireKept(t *testing.T, b *cell.Cell) {
	t.Helper()
	held := s.balance(s.at)
	tr := s.post(s.from, s.value, b)
	require.Len(t, tr.steps, 1, "nothing comes back")
	require.Zero(t, tr.steps[0].action)
	require.NotEqual(t, -1, s.balance(s.at).Cmp(held))
	s.requireBooks()
}

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
func (s *scene) comeBack(t *testing.T, from cocoon.Account, value cocoon.Nano, b *cell.Cell) {
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
	before := s.hash()
	for name, b := range bounces(s.body) {
		for _, from := range []cocoon.Account{wallet("stranger"), s.from} {
			t.Log(name)
			if s.holdsCode(from) {
				s.received.Add(s.received, ton(1).Big())
			}
			s.comeBack(t, from, ton(1), b)
			if s.bounced == nil {
				require.Equal(t, before, s.hash(), "a bounce must change nothing")
			}
		}
	}
	if s.bounced != nil {
		require.NotEqual(t, before, s.hash())
		s.bounced()
	}
	s.requireBooks()
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

// showReplay: the very same message a second time.
func showReplay(t *testing.T, r row) {
	s := r.scene(t)
	s.play().requireOK(t)
	after := s.hash()
	switch r.again {
	case idle:
		first := s.play().steps[0]
		require.Zero(t, first.exit)
		require.Zero(t, first.action)
		require.Equal(t, after, s.hash(), "a second one must change nothing")
	case acts:
		s.play().requireOK(t)
		s.twice()
	default:
		s.requireRefused(t, int32(r.again), s.from, s.value, s.body)
	}
	s.requireBooks()
}
