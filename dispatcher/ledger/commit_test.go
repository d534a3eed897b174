package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// voided wants a receipt to be received and paid by nobody.
func (w *world) voided(m *machine, u receipt.SignedUsage, why string) {
	w.Helper()
	o := w.commits(m, u)
	require.Contains(w, o.Void, why)
	require.Equal(w, cocoon.Nano{}, o.Cost)
}

// ordered is an admitted request that m serves.
func (w *world) ordered(m *machine) ID {
	w.Helper()
	r := w.asks(1)
	require.NoError(w, w.Admit(1, r, promises(1, cocoon.TON(1))))
	require.NoError(w, w.Assign(r.ID, m.attempt()))
	return r.ID
}

func TestCommit_OutOfBoundsIsVoidForEveryone(t *testing.T) {
	t.Parallel()
	for why, c := range map[string]struct {
		used   cocoon.Usage
		change func(*receipt.Content)
	}{
		"prompt tokens":           {cocoon.Usage{Prompt: 1011}, nil},
		"reasoning tokens":        {cocoon.Usage{Completion: 513}, nil},
		"route or price":          {used, func(c *receipt.Content) { c.Route[0]++ }},
		"not that of its usage":   {used, func(c *receipt.Content) { c.Cost = c.Cost.Plus(cocoon.NanoOf(1)) }},
		"another attempt's":       {used, func(c *receipt.Content) { c.Attempt = 2 }},
		"no such request is open": {used, func(c *receipt.Content) { c.Request[5] = 9 }},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			w, m := newWorld(t), &machine{n: 1}
			w.opens(1, cocoon.TON(1))
			id := w.ordered(m)
			change := c.change
			if change == nil {
				change = func(*receipt.Content) {}
			}
			m.number++
			w.voided(m, m.signs(id, c.used, m.number, change), why)
			require.Equal(t, cocoon.Nano{}, w.state(1).Agreed)
			require.Equal(t, cocoon.Nano{}, w.Owed(1))
			if open := w.Pending(w.clock.now.Add(time.Second)); len(open) > 0 {
				require.Equal(t, reserve, w.state(1).Reserved, "somebody else may have it right")
			} else {
				require.Equal(t, cocoon.Nano{}, w.state(1).Reserved)
				require.NoError(t, w.OK(t.Context(), 1, id, cost), "it is settled: at nothing")
			}
		})
	}
}

// An operator holds the worker's key, and can certify a session key of its own for
// a boot whose keys were made in a TEE; the first that was shown is the boot's.
func TestCommit_AnotherSessionKeyOfTheBootMakesNoReceipt(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	w.commits(m, m.states(w.ordered(m), used))
	id := w.ordered(m)
	forged := m.states(id, used)
	operators := keyOf('x', 1)
	resigned, err := forged.Sign(operators)
	require.NoError(t, err)
	_, err = w.Commit(t.Context(), resigned, m.certifies(public(operators), 1_950_000_000), 4096)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
	require.ErrorContains(t, err, "another session key")
	_, err = w.Commit(t.Context(), resigned, m.certificate(), 4096)
	require.Error(t, err, "nor under the certificate of the other")
	require.Empty(t, w.commits(m, forged).Void, "the session itself goes on")
}

func TestCommit_CostsNoMoreThanWasReserved(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	r := w.asks(1)
	r.Size.MaxOut = 2000
	require.NoError(t, w.Admit(1, r, promises(1, cocoon.TON(1))))
	require.NoError(t, w.Assign(r.ID, m.attempt()))
	w.voided(m, m.states(r.ID, cocoon.Usage{Prompt: 1010, Completion: 513}), "more than was reserved")
}

func TestCommit_OnlyTheLastAttemptIsPaid(t *testing.T) {
	t.Parallel()
	w, slow, fast := newWorld(t), &machine{n: 1}, &machine{n: 2}
	w.opens(1, cocoon.TON(1))
	id := w.ordered(slow)
	require.NoError(t, w.Assign(id, fast.attempt()))
	w.voided(slow, slow.states(id, used), "another attempt's")
	o := w.commits(fast, fast.states(id, used))
	require.Equal(t, cost, o.Cost)
	require.EqualValues(t, 1, o.Channel.Index)
	w.voided(fast, fast.states(id, used), "has its receipt")
	dear := fast.attempt()
	dear.Price.Prompt = dear.Price.Prompt.Plus(cocoon.NanoOf(1))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.Assign(w.ordered(fast), dear)))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.Assign(id, slow.attempt())))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.Release(id)))
}

func TestCommit_ReplaysCountOnceAndAckIsContiguous(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	a, b, c := m.states(w.ordered(m), used), m.states(w.ordered(m), used), m.states(w.ordered(m), used)
	require.EqualValues(t, 0, w.commits(m, c).Ack)
	require.EqualValues(t, 1, w.commits(m, a).Ack)
	owed := w.Owed(1)
	require.Equal(t, cocoon.NanoOf(2*17_820), owed, "less fees of 1 %")
	for range 2 {
		for _, again := range []receipt.SignedUsage{a, c} {
			o := w.commits(m, again)
			require.True(t, o.Duplicate)
			require.EqualValues(t, 1, o.Ack)
		}
		require.Equal(t, owed, w.Owed(1))
		w = w.reopened()
	}
	require.EqualValues(t, 3, w.commits(m, b).Ack)
	require.Len(t, w.state(1).Receipts, 3)
}

func TestCommit_ASecondContentForOneNumberIsEvidence(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	first := m.states(w.ordered(m), used)
	w.commits(m, first)
	owed := w.Owed(1)
	for range 2 {
		second := m.signs(first.Content.Request, cocoon.Usage{Prompt: 200, Completion: 200}, 1)
		_, err := w.Commit(t.Context(), second, m.certificate(), 4096)
		var e *EquivocationError
		require.ErrorAs(t, err, &e)
		require.NoError(t, e.Evidence.Verify(), "as the provider's contract does")
		require.Equal(t, first, e.Evidence.First)
		require.Equal(t, owed, w.Owed(1))
		w = w.reopened()
	}
	var kept int
	require.NoError(t, w.store.db.QueryRowContext(t.Context(), `SELECT count(*) FROM equivocations`).Scan(&kept))
	require.Equal(t, 1, kept)
}
