package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

func blobHash(blob []byte) [32]byte { return envelope.Hash(blob) }

// work runs a bound job, encrypts its results and signs the delivery; both are
// on disk when it returns nil. A run that ctx interrupts leaves no trace.
func (w *Worker) work(ctx context.Context, j Job, k *kept) error {
	file, err := envelope.Open(k.payload, envelope.Key(k.Key))
	if err != nil {
		return err
	}
	batch, err := openai.ParseBatch(file)
	if err != nil {
		return err
	}
	results := w.runBatch(ctx, batch, j, k.Price)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	answered := false
	for _, r := range results {
		answered = answered || r.Response != nil
	}
	if !answered {
		return errNothing
	}
	if k.blob, err = w.encrypt(results, k.Offer); err != nil {
		return err
	}
	d, err := w.signDelivery(j, k, openai.TotalUsage(results))
	if err != nil {
		return err
	}
	k.result = &d
	if err = w.store.finish(k); err != nil {
		k.result = nil
	}
	return err
}

func (w *Worker) encrypt(results []openai.Result, o bus.Offer) ([]byte, error) {
	file, err := openai.EncodeResults(results)
	if err != nil {
		return nil, err
	}
	key, err := envelope.ParsePublicKey(o.ResultKey)
	if err != nil {
		return nil, err
	}
	return envelope.EncryptResult(w.rand, file, o.Job, key)
}

// signDelivery asks for the price of u, but at most the budget and, since the
// contract takes no empty delivery, at least one nanoTON.
func (w *Worker) signDelivery(j Job, k *kept, u cocoon.Usage) (bus.Deliver, error) {
	budget := j.Offer.Money.Budget.Nano
	amount, err := k.Price.Cost(u)
	if err != nil || amount.Cmp(budget) > 0 {
		amount = budget
	}
	if amount.IsZero() {
		amount = cocoon.NanoOf(1)
	}
	c, sig, err := wrappers.Sign(wrappers.Delivery{GlobalID: w.cfg.GlobalID, Contract: j.Account, ResultHash: blobHash(k.blob),
		Amount: wrappers.Coins{Nano: amount}, Prompt: u.Prompt, Cached: u.Cached, Completion: u.Completion, Reasoning: u.Reasoning}, w.cfg.Key)
	return bus.Deliver{Job: j.Account, Delivery: bus.Cell{Cell: c}, Signature: bus.Signature(sig.Bytes)}, err
}

// runBatch answers every line, each in one of the worker's slots. Lines that
// time or budget do not suffice for fail, and are not paid.
func (w *Worker) runBatch(ctx context.Context, b openai.Batch, j Job, price cocoon.Price) []openai.Result {
	ctx, cancel := context.WithTimeout(ctx, workTime(j))
	defer cancel()
	results := make([]openai.Result, len(b.Lines))
	for i, l := range b.Lines {
		results[i] = openai.Result{ID: fmt.Sprintf("%.8x-%d", j.Account[:], i), CustomID: l.CustomID}
	}
	m, model := newMeter(price, j.Offer.Money.Budget.Nano, results), cocoon.NewModelID(b.Model)
	var lines sync.WaitGroup
	for i, l := range b.Lines {
		if !w.takeSlot(ctx) {
			m.fail(&results[i], codeDeadline)
			continue
		}
		lines.Go(func() {
			defer w.freeSlot()
			w.runLine(ctx, m, model, l, &results[i])
		})
	}
	lines.Wait()
	return results
}

// takeSlot waits for a free request at the engine, of those that batches may
// have; false where ctx ended first.
func (w *Worker) takeSlot(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case w.lines <- struct{}{}:
	}
	select {
	case <-ctx.Done():
		<-w.lines
		return false
	case w.slots <- struct{}{}:
	}
	if ctx.Err() != nil {
		w.freeSlot()
		return false
	}
	return true
}

func (w *Worker) freeSlot() {
	<-w.slots
	<-w.lines
}

func (w *Worker) runLine(ctx context.Context, m *meter, model cocoon.ModelID, l openai.Line, r *openai.Result) {
	if m.exhausted() {
		m.fail(r, codeBudget)
		return
	}
	start := w.clock()
	answer, err := w.engine.ask(ctx, model, l, r.ID)
	if err != nil {
		w.stats.add(false, 0, w.clock().Sub(start))
		m.fail(r, codeDeadline)
		return
	}
	m.take(r, answer)
	w.stats.add(r.OK(), r.Usage().Total(), w.clock().Sub(start))
}

// workTime is what a worker may use of the time left, an eighth (at most five
// minutes) kept back for the way of the delivery.
func workTime(j Job) time.Duration {
	if j.Now >= j.Until {
		return 0
	}
	left := time.Duration(j.Until-j.Now) * time.Second
	return left - min(left/8, 5*time.Minute)
}
