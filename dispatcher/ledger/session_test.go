package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

func TestCommit_BelievesOnlyACertifiedSession(t *testing.T) {
	t.Parallel()
	w, m, other := newWorld(t), &machine{n: 1}, &machine{n: 2}
	w.opens(1, cocoon.TON(1))
	good := m.states(w.ordered(m), used)
	for name, c := range map[string]struct {
		kind cocoon.Kind
		u    func(*receipt.SignedUsage)
		c    func(*receipt.SignedCertificate)
	}{
		"another network":     {cocoon.Invalid, func(u *receipt.SignedUsage) { u.GlobalID++ }, nil},
		"another dispatcher":  {cocoon.Invalid, func(u *receipt.SignedUsage) { u.Rewards[0]++ }, nil},
		"a changed receipt":   {cocoon.Forbidden, func(u *receipt.SignedUsage) { u.Content.Frames[0]++ }, nil},
		"another worker's":    {cocoon.Forbidden, nil, func(c *receipt.SignedCertificate) { *c = other.certificate() }},
		"a forged session":    {cocoon.Forbidden, nil, func(c *receipt.SignedCertificate) { c.SessionKey = public(keyOf('b', 99)) }},
		"one that has ended":  {cocoon.Forbidden, nil, func(c *receipt.SignedCertificate) { c.NotAfter = 1_800_000_000 }},
		"a number of nothing": {cocoon.Invalid, func(u *receipt.SignedUsage) { *u = m.signs(u.Content.Request, used, 0) }, nil},
		"a number far ahead":  {cocoon.Invalid, func(u *receipt.SignedUsage) { *u = m.signs(u.Content.Request, used, maxAhead+1) }, nil},
	} {
		u, certificate := good, m.certificate()
		if c.u != nil {
			c.u(&u)
		}
		if c.c != nil {
			c.c(&certificate)
		}
		_, err := w.Commit(t.Context(), u, certificate, 4096)
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
	}
	require.Equal(t, cost, w.commits(m, good).Cost)
	require.EqualValues(t, 2, w.commits(m, m.states(w.ordered(m), used)).Ack)
}

func TestCommit_ALaterCertificateKeepsTheSession(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	first := m.states(w.ordered(m), used)
	w.commits(m, first)
	later := m.certifies(public(keyOf('b', 1<<8)), 1_950_000_000)
	ticket, err := w.Commit(t.Context(), m.states(w.ordered(m), used), later, 4096)
	require.NoError(t, err)
	_, err = ticket.Wait(t.Context())
	require.NoError(t, err)
	w.clock.set(time.Unix(1_900_000_001, 0))
	require.NoError(t, w.tidy(t.Context()))
	w = w.reopened()
	ticket, err = w.Commit(t.Context(), m.states(w.ordered(m), used), later, 4096)
	require.NoError(t, err)
	o, err := ticket.Wait(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, o.Ack)
	other := keyOf('b', 99)
	u, err := m.signs(first.Content.Request, much, 1).Sign(other)
	require.NoError(t, err)
	_, err = w.Commit(t.Context(), u, m.certifies(public(other), 1_950_000_000), 4096)
	var e *EquivocationError
	require.False(t, errors.As(err, &e), "no contract takes two session keys as evidence")
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
}

func TestKeys_OfARunAreKeptForAsLongAsReceiptsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, keys := range []string{"first", "rotated"} {
		require.NoError(t, w.KeepKeys(t.Context(), Key{1}, ID{1}, []byte(keys)))
	}
	w = w.reopened()
	keys, err := w.KeptKeys(t.Context(), Key{1}, ID{1})
	require.NoError(t, err)
	require.Equal(t, "rotated", string(keys))
	keys, err = w.KeptKeys(t.Context(), Key{1}, ID{2})
	require.NoError(t, err)
	require.Nil(t, keys, "another run")
	w.clock.pass(100 * time.Hour)
	require.NoError(t, w.tidy(t.Context()))
	keys, err = w.KeptKeys(t.Context(), Key{1}, ID{1})
	require.NoError(t, err)
	require.Nil(t, keys)
}

// Run is told to end at any moment, also amid a write of the tables.
func TestFlush_ThatIsToldToEndLosesNothing(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t, func(c *Config) { c.Flush = time.Hour }), &machine{n: 1}
	w.covered()
	w.serves(m)
	before := w.Figures()
	ended, end := context.WithCancel(t.Context())
	end()
	_ = w.flush(ended)
	require.Equal(t, before, w.reopened().Figures())
}

func TestForget_DropsWhatIsAnsweredAndAcknowledgedOnly(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	answered := w.serves(m)
	require.NoError(t, w.OK(t.Context(), 1, answered, cost))
	w.serves(m)
	m.number++
	ahead := m.states(w.ordered(m), used) // number 4, 3 is missing
	require.NoError(t, w.OK(t.Context(), 1, w.commits(m, ahead).Channel.ID, cost))
	w.clock.pass(100 * time.Hour)
	require.NoError(t, w.tidy(t.Context()))
	var numbers []int
	require.NoError(t, w.store.db.NewRaw(`SELECT number FROM receipts ORDER BY number`).Scan(t.Context(), &numbers))
	require.Equal(t, []int{2, 4}, numbers)
	old := m.signs(answered, much, 1)
	o := w.commits(m, old)
	require.True(t, o.Duplicate, "too old to compare, never counted again")
	w.clock.set(time.Unix(1_900_000_000, 0).Add(100 * time.Hour))
	require.NoError(t, w.tidy(t.Context()))
	require.Empty(t, w.Ledger.state.boots)
	_, err := w.Commit(t.Context(), old, m.certificate(), 4096)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "nor is one of a session that has ended")
}
