package dispatcher_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func TestFlow_AJobIsFoundAWorkerDeliveredApprovedAndPaid(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.provider(10, price)
	w.work(p)
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(3), terms())
	require.NoError(t, err)
	r, err := c.Attend(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, 3, r.Answered)
	require.Equal(t, p.account, r.Provider)
	require.Equal(t, p.id(), r.Worker)
	require.NotEmpty(t, r.File)
	require.NoError(t, c.Approve(t.Context(), job))
	j := w.job(job, is(market.Paid))
	require.Equal(t, r.Amount, j.Amount)
	require.Equal(t, 1, j.ToProvider.Cmp(cocoon.Nano{}))
	require.NotContains(t, w.log.String(), secret)

	again, err := c.Attend(t.Context(), job)
	require.NoError(t, err, "the result is still there")
	require.Equal(t, r, again)
	require.NoError(t, c.Forget(t.Context(), job))
	_, err = c.Attend(t.Context(), job)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

func TestFlow_AnUnapprovedDeliveryIsPaidWhenItsReviewEnds(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.work(w.provider(10, price))
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(1), terms())
	require.NoError(t, err)
	_, err = c.Attend(t.Context(), job)
	require.NoError(t, err)
	w.job(job, is(market.Delivered))
	w.advance(31)
	w.job(job, is(market.Paid))
}

func TestFlow_AJobThatNobodyTakesExpiresAndItsMoneyIsBack(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.work(w.provider(10, cocoon.Price{Prompt: cocoon.TON(9)})) // above the caps
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(1), terms())
	require.NoError(t, err)
	attended := attend(w, c, job)
	w.job(job, is(market.Open))
	w.advance(61)
	require.Equal(t, 1, w.job(job, is(market.Refunded)).ToClient.Cmp(cocoon.TON(1)))
	require.ErrorContains(t, <-attended, "accepted by nobody")
}

// attend runs Attend in the background.
func attend(w *town, c *client.Client, job cocoon.Account) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Attend(w.ctx, job)
		done <- err
	}()
	return done
}

func TestFlow_AJobThatIsNeverDeliveredCostsTheBond(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.provider(10, price)
	stop := w.workOn(p, stuckEngine(t))
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(1), terms())
	require.NoError(t, err)
	attended := attend(w, c, job)
	w.job(job, is(market.Accepted))
	stop()
	w.advance(61)
	j := w.job(job, is(market.Slashed))
	require.Equal(t, cocoon.NanoOf(100_000_000), j.Bond)
	require.ErrorContains(t, <-attended, "was not delivered in time")
}

func TestFlow_ACancelledJobStopsTheSearch(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(1), terms())
	require.NoError(t, err)
	attended := attend(w, c, job)
	w.job(job, is(market.Open))
	require.NoError(t, c.Cancel(t.Context(), job))
	w.job(job, is(market.Refunded))
	require.ErrorContains(t, <-attended, "accepted by nobody")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(c.Cancel(t.Context(), job)))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(c.Approve(t.Context(), job)))
}

func TestFlow_ManyJobsSurviveADispatcherThatIsStoppedAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	one, two := w.provider(10, price), w.provider(20, price)
	w.work(one)
	w.work(two)
	c := w.customer(t.TempDir())
	var jobs []cocoon.Account
	for range 6 {
		job, err := c.Submit(t.Context(), batch(1), terms())
		require.NoError(t, err)
		jobs = append(jobs, job)
	}
	var clients errgroup.Group
	for _, job := range jobs {
		clients.Go(func() error {
			_, err := c.Attend(w.ctx, job)
			return err
		})
	}
	finished, stop := context.WithCancel(w.ctx)
	var failed error
	go func() {
		failed = clients.Wait()
		stop()
	}()
	for n := uint64(0); n < 20; n++ { // at other events each time
		if w.index.Wait(finished, w.index.Head().Events+n%3) != nil {
			break
		}
		w.stop()
		w.start()
	}
	<-finished.Done()
	require.NoError(t, failed)
	w.advance(31)
	for _, job := range jobs {
		w.job(job, is(market.Paid))
	}
}

func TestFlow_AKilledClientGoesOnFromItsFiles(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.provider(10, price)
	dir := t.TempDir()
	job, err := w.customer(dir).Submit(t.Context(), batch(1), terms())
	require.NoError(t, err)
	w.job(job, is(market.Open))
	for range 3 { // killed while it waits for a worker
		ctx, kill := context.WithCancel(w.ctx)
		done := make(chan error, 1)
		go func() {
			_, err := w.customer(dir).Attend(ctx, job)
			done <- err
		}()
		kill()
		require.ErrorIs(t, <-done, context.Canceled)
	}
	stop := w.workOn(p, stuckEngine(t))
	ctx, kill := context.WithCancel(w.ctx)
	go func() {
		w.job(job, is(market.Accepted))
		kill() // and while the worker works
	}()
	_, err = w.customer(dir).Attend(ctx, job)
	require.ErrorIs(t, err, context.Canceled)
	stop()
	w.work(p)
	r, err := w.customer(dir).Attend(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, 1, r.Answered)
	jobs, err := w.customer(dir).Jobs()
	require.NoError(t, err)
	require.Equal(t, []cocoon.Account{job}, jobs)
}
