package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
)

// newAnswers makes the side of a worker that answers interactive requests.
func (w *Worker) newAnswers(deps Deps) (*answer.Service, error) {
	cfg := w.cfg.Answers
	cfg.Key, cfg.Provider, cfg.GlobalID, cfg.Data = w.cfg.Key, w.cfg.Provider, w.cfg.GlobalID, w.cfg.Data
	return answer.New(cfg, answer.Deps{Chain: proofs{w}, Send: w.link.send, Engine: w.cfg.engineOf, Slots: slots{w}, Quoter: deps.Quoter, GPUs: deps.GPUs,
		Done: w.stats.add, Logger: w.log, Clock: w.clock, Blocks: deps.Blocks, Random: w.rand, HTTP: deps.HTTP})
}

// Figures are what dispatchers owe this run.
func (w *Worker) Figures() []answer.Figures { return w.answers.Figures() }

// proofs are a worker's chain, as answering looks at it.
type proofs struct{ *Worker }

// Record implements answer.Chain. Jobs and heartbeats follow the record as well.
func (p proofs) Record(ctx context.Context) (answer.Record, error) {
	s, err := p.chain.Standing(ctx, p.cfg.Provider, p.id)
	if err != nil {
		return answer.Record{}, err
	}
	if s.Record == nil {
		return answer.Record{}, cocoon.NotFound.Errorf("worker %s is not active any more", p.id)
	}
	p.setRecord(s.Record)
	return answer.Record{Block: s.Block, Registry: s.Birth.Registry, Models: s.Record.Models}, nil
}

// Dispatcher implements answer.Chain.
func (p proofs) Dispatcher(ctx context.Context, rewards cocoon.Account) (answer.Dispatcher, error) {
	return p.chain.Dispatcher(ctx, rewards)
}

// slots are the requests the engine may have at a time, which batches use too.
type slots struct{ *Worker }

// Take implements answer.Slots.
func (s slots) Take() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// Free implements answer.Slots.
func (s slots) Free() { <-s.slots }

// maxUnread bounds the messages of dispatchers that were not looked at.
const maxUnread = 4096

// listenStreams hands the service what dispatchers say, in the order in which it
// came, until the link stops.
func (w *Worker) listenStreams() error {
	messages := make(chan *nats.Msg, maxUnread)
	for _, verb := range answer.Verbs() {
		if err := w.link.into(messages, stream.ToWorker(w.id, stream.Boot(w.boot), verb)); err != nil {
			return err
		}
	}
	go func() {
		for m := range messages { // the link closes it
			verb := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
			w.answers.Handle(stream.Verb(verb), m.Data, func(answer []byte) { _ = m.Respond(answer) }) // who does not hear it asks another
		}
	}()
	w.link.messages = messages
	return nil
}

// into has what comes to a subject sent to a channel that several share.
func (l *link) into(c chan *nats.Msg, subject string) error {
	sub, err := l.conn.ChanSubscribe(subject, c)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	l.subs = append(l.subs, sub)
	return nil
}

// send says something to a node; an error says that it cannot have heard.
func (l *link) send(subject string, data []byte) error {
	if !l.conn.IsConnected() {
		return nats.ErrDisconnected
	}
	return l.conn.Publish(subject, data)
}
