package worker

import (
	"context"
	"errors"

	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/wrappers"
)

// late is how many seconds after an acceptance ran out it may still arrive at
// its job: the order was in time for the provider, its message is on the way.
const late = 120

// errNothing says that the engine never answered: there is nothing to deliver.
var errNothing = errors.New("engine answered no line of the job")

// start carries an accepted job to its end in the background.
func (w *Worker) start(ctx context.Context, k *kept) {
	w.jobs.Go(func() {
		log := w.log.With("job", k.Offer.Job)
		for wait := newBackoff(w.cfg.Retry); ctx.Err() == nil; wait.sleep(ctx) {
			err := w.carry(ctx, k)
			if err == nil {
				err = w.store.forget(k.Offer.Job)
			}
			if err == nil {
				w.desk.leave(k.Offer.Job)
				return
			}
			if ctx.Err() == nil {
				log.Warn("job is taken up again", "err", err)
			}
		}
	})
}

// carry follows the job on chain and does what its phase asks for. It returns
// nil when nothing is left to do, and may be called again after an error.
func (w *Worker) carry(ctx context.Context, k *kept) error {
	log := w.log.With("job", k.Offer.Job)
	j, err := w.chain.WaitJob(ctx, k.Offer.Job, func(j Job) bool {
		return j.Phase > wrappers.JobOpen || j.Now >= k.ValidUntil+late || j.Now >= j.Offer.Money.AcceptBy
	})
	if err != nil {
		return err
	}
	if !j.boundTo(w.cfg.Provider, w.id) {
		log.Info("job was not bound to this worker")
		return nil
	}
	if j.Phase == wrappers.JobAccepted && k.result == nil {
		log.Info("job is at work", "bond_nano", j.Bound.Bond.Text())
		if err := w.work(ctx, j, k); errors.Is(err, errNothing) {
			log.Error("job is lost", "err", err)
			return w.untilClosed(ctx, k)
		} else if err != nil {
			return err
		}
	}
	if k.result != nil && j.Phase < wrappers.JobClosed {
		if err := w.deliver(ctx, k); err != nil {
			return err
		}
	}
	w.desk.leave(k.Offer.Job)
	return w.untilClosed(ctx, k)
}

func (w *Worker) untilClosed(ctx context.Context, k *kept) error {
	_, err := w.chain.WaitJob(ctx, k.Offer.Job, func(j Job) bool { return j.Phase == wrappers.JobClosed })
	return err
}

// deliver brings the result to the dispatcher and the delivery to the chain,
// until both are there or the job is closed. Where the dispatcher does not
// relay the delivery, the worker sends it itself.
func (w *Worker) deliver(ctx context.Context, k *kept) error {
	log := w.log.With("job", k.Offer.Job)
	stored := false
	wait := newBackoff(w.cfg.Retry)
	for try := 1; ; try++ {
		err := w.hand(ctx, k, &stored)
		if err != nil && try > 2 {
			err = errors.Join(err, w.chain.Deliver(ctx, k.Offer.Job, *k.result))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			log.Warn("delivery is tried again", "err", err)
		}
		j, seen := w.seenDelivered(ctx, k, err == nil)
		if seen && (stored || j.Phase == wrappers.JobClosed) {
			log.Info("job delivered", "amount_nano", j.amount())
			return nil
		}
		if wait.sleep(ctx); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// amount is what was asked for, as logs write it.
func (j Job) amount() string {
	if j.Result == nil {
		return "0"
	}
	return j.Result.Amount.Text()
}

// hand gives result and delivery to the dispatcher; stored tells whether it
// has the result already.
func (w *Worker) hand(ctx context.Context, k *kept, stored *bool) error {
	hash := blobHash(k.blob)
	for i := uint32(0); !*stored && i < bus.Parts(uint32(len(k.blob))); i++ {
		part, err := bus.PartOf(k.Offer.Job, hash, k.blob, i)
		if err != nil {
			return err
		}
		if _, err = ask[bus.Ack](ctx, w.link, k.Offer.Node, bus.ResultVerb, part); err != nil {
			return err
		}
	}
	*stored = true
	_, err := ask[bus.Ack](ctx, w.link, k.Offer.Node, bus.DeliverVerb, *k.result)
	return err
}

// seenDelivered looks for the delivery on chain: for as long as an answer may
// take where it is on its way, else once.
func (w *Worker) seenDelivered(ctx context.Context, k *kept, onItsWay bool) (Job, bool) {
	delivered := func(j Job) bool { return j.Phase > wrappers.JobAccepted }
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Request)
	defer cancel()
	if onItsWay {
		j, err := w.chain.WaitJob(ctx, k.Offer.Job, delivered)
		return j, err == nil
	}
	j, err := w.chain.Job(ctx, k.Offer.Job)
	return j, err == nil && delivered(j)
}
