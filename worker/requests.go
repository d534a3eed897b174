package worker

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/wrappers"
)

// maxRequests bounds the requests that are looked at together.
const maxRequests = 32

// certified is how long a client may take to check an intent.
const certified = time.Hour

// listen answers the dispatcher's requests until the link stops.
func (w *Worker) listen(ctx context.Context, handlers *gate) error {
	for verb, serve := range map[bus.Verb]func(context.Context, []byte) (bus.Message, error){
		bus.OfferVerb: w.onOffer, bus.GrantVerb: w.onGrant,
	} {
		err := w.link.handle(verb, func(m *nats.Msg) {
			if !handlers.run(func() { w.answer(m, verb, func() (bus.Message, error) { return serve(ctx, m.Data) }) }) {
				w.answer(m, verb, func() (bus.Message, error) {
					return nil, bus.Refusef(bus.Busy, "worker has %d requests to look at", maxRequests)
				})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) answer(m *nats.Msg, verb bus.Verb, serve func() (bus.Message, error)) {
	answer, err := serve()
	var raw []byte
	if err == nil {
		raw, err = bus.Encode(answer)
	}
	if err != nil {
		refusal := refusalOf(err)
		w.log.Info("refused", "verb", verb, "code", refusal.Code, "err", err)
		if raw, err = refusal.Encode(); err != nil {
			return
		}
	}
	_ = m.Respond(raw) // who does not hear it asks again
}

// refusalOf tells the other side of err, but nothing of this machine's faults.
func refusalOf(err error) *bus.Refusal {
	switch {
	case bus.CodeOf(err) != "":
		return bus.Refuse("", err)
	case cocoon.KindOf(err) == cocoon.Invalid:
		return bus.Refuse(bus.Malformed, err)
	}
	return bus.Refusef(bus.Failed, "worker has a fault of its own")
}

// onOffer answers an offer with an intent where the job's proven terms suit.
func (w *Worker) onOffer(ctx context.Context, raw []byte) (bus.Message, error) {
	o, err := bus.Decode[bus.Offer](raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Request)
	defer cancel()
	j, err := w.openedJob(ctx, o.Job)
	if err != nil {
		return nil, err
	}
	s, err := w.chain.Standing(ctx, w.cfg.Provider, w.id)
	if err != nil {
		return nil, err
	}
	if _, err = w.judge(j, s, o); err != nil {
		return nil, err
	}
	w.setRecord(s.Record)
	if err = w.desk.reserve(o, w.cfg.Reserve); err != nil {
		return nil, err
	}
	return bus.SignIntent(w.cfg.Key, bus.Certificate{GlobalID: w.cfg.GlobalID, Provider: w.cfg.Provider, Boot: w.boot,
		NotAfter: uint32(w.clock().Add(certified).Unix())}, o.Job, w.key.Public()), nil
}

// openedJob reads a job that the dispatcher may have seen a block before us.
func (w *Worker) openedJob(ctx context.Context, job cocoon.Account) (Job, error) {
	j, err := w.chain.WaitJob(ctx, job, func(j Job) bool { return j.Phase != wrappers.JobInert })
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Job{}, bus.Refusef(bus.WrongJob, "job is not on the chain")
	case cocoon.KindOf(err) == cocoon.Invalid:
		return Job{}, bus.Refuse(bus.WrongJob, err)
	}
	return j, err
}

// onGrant opens a job's payload and accepts the job, if it is what it should
// be. Nothing is signed before all of it is on disk.
func (w *Worker) onGrant(run context.Context, raw []byte) (bus.Message, error) {
	g, err := bus.Decode[bus.Grant](raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(run, w.cfg.Reserve)
	defer cancel()
	offer, held, err := w.desk.claim(g.Job)
	if err != nil {
		return nil, err
	}
	if held != nil { // the answer was lost: it is the same again
		w.desk.done(g.Job, nil)
		return held.Accept, nil
	}
	k, err := w.accept(ctx, offer, g)
	w.desk.done(g.Job, k)
	if err != nil {
		if bus.CodeOf(err) != "" {
			w.desk.leave(g.Job) // the client may grant it to another
		}
		return nil, err
	}
	w.log.Info("job accepted", "job", g.Job)
	w.start(run, k)
	return k.Accept, nil
}
