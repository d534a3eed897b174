package client_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// deliveredJob is one that waits for the client to look at it, changed by change.
func (w *town) deliveredJob(change func(*wrappers.JobMoney)) cocoon.Account {
	w.t.Helper()
	job := w.submit()
	w.accepted(job, w.machine(1, nil))
	w.delivered(job, answer(w.t, "a"), fairAmount)
	w.set(job, func(j *wrappers.Job) { change(j.Offer.Money) })
	return job
}

func TestClient_DisputesWithTheDepositWhereSomebodyRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arbiter cocoon.Account
		value   cocoon.Nano
		phase   wrappers.JobPhase
	}{
		"an arbiter": {cocoon.Account{5}, cocoon.NanoOf(110), wrappers.JobDisputed},
		"none":       {cocoon.Account{}, cocoon.NanoOf(10), wrappers.JobClosed},
	} {
		w := newTown(t)
		job := w.deliveredJob(func(m *wrappers.JobMoney) { m.Arbiter, m.Deposit = c.arbiter, wrappers.Coins{Nano: cocoon.NanoOf(100)} })
		require.NoError(t, w.client().Dispute(t.Context(), job), name)
		sent := w.sent[len(w.sent)-1]
		require.Equal(t, "dispute", wrappers.OperationName(sent.Body), name)
		require.Equal(t, c.value, sent.Amount, name)
		require.Equal(t, c.phase, w.jobs[job].Phase, name)
		require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.client().Dispute(t.Context(), job)), "twice")
		require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.client().Approve(t.Context(), job)), "too late")
	}
}

func TestClient_DisputesOnlyADeliveryOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.client().Dispute(t.Context(), w.submit())), "not delivered")
	job := w.deliveredJob(func(*wrappers.JobMoney) {})
	w.set(job, func(j *wrappers.Job) { j.Offer.Client = cocoon.Account{1} })
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(w.client().Dispute(t.Context(), job)))
	require.Len(t, w.sent, 2, "two jobs were opened")
}

func TestClient_ReadsTheResultOfADisputedJob(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.deliveredJob(func(*wrappers.JobMoney) {})
	w.set(job, func(j *wrappers.Job) { j.Phase = wrappers.JobDisputed })
	got := next(t, w.attend(job))
	require.NoError(t, got.err)
	require.Equal(t, answer(t, "a"), got.result.File)
}
