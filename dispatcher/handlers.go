package dispatcher

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// maxUploads bounds the results that are put together at a time, in memory.
const maxUploads = 64

// uploads are results on their way in. A restart forgets them: the worker
// begins again at part 0.
type uploads struct {
	mu    sync.Mutex
	byJob map[cocoon.Account]*bus.Assembly
}

// handlers are what workers may ask.
func (d *Dispatcher) handlers(ctx context.Context) map[bus.Verb]handler {
	return map[bus.Verb]handler{
		bus.PayloadVerb: func(w bus.ID, data []byte) ([]byte, error) { return d.payload(ctx, w, data) },
		bus.ResultVerb:  func(w bus.ID, data []byte) ([]byte, error) { return d.result(ctx, w, data) },
		bus.DeliverVerb: func(w bus.ID, data []byte) ([]byte, error) { return d.deliver(ctx, w, data) },
	}
}

func (d *Dispatcher) heartbeat(w bus.ID, data []byte) {
	beat, err := bus.Decode[bus.Heartbeat](data)
	if err != nil {
		d.log.Debug("heartbeat not understood", "worker", w, "error", err)
		return
	}
	d.roster.heard(w, beat)
}

// lost is told of a worker whose connection ended; another of its own may be there by now.
func (d *Dispatcher) lost(w bus.ID) {
	if !d.link.door.here(w) {
		d.roster.gone(w)
	}
	if d.gateway != nil {
		d.gateway.Lost([32]byte(w))
	}
}

// payload answers with one part of a job's payload: to the worker bound to the
// job, and to one that the client granted the key to.
func (d *Dispatcher) payload(ctx context.Context, w bus.ID, data []byte) ([]byte, error) {
	f, err := bus.Decode[bus.Fetch](data)
	if err != nil {
		return nil, err
	}
	row, err := d.store.job(ctx, d.store.db, f.Job)
	if err != nil {
		return nil, err
	}
	attempts, err := d.store.attempts(ctx, f.Job)
	if err != nil {
		return nil, err
	}
	if outcome, granted := attempts[w]; !bytes.Equal(row.Worker, w[:]) && (!granted || outcome != pending) {
		return nil, cocoon.Forbidden.Errorf("job %s is not for worker %s", f.Job, w)
	}
	hash := [32]byte(row.Payload)
	size, err := d.blobs.Size(hash)
	if err != nil {
		return nil, err
	}
	if f.Index >= bus.Parts(uint32(size)) {
		return nil, cocoon.Invalid.Errorf("no part %d in a payload of %d bytes", f.Index, size)
	}
	part, err := d.blobs.Part(hash, int64(f.Index)*bus.PartSize, bus.PartSize)
	if err != nil {
		return nil, err
	}
	return bus.Encode(bus.Part{Job: f.Job, Hash: hash, Size: uint32(size), Index: f.Index, Data: part})
}

// bound is the row of a job that w is bound to on chain.
func (d *Dispatcher) bound(ctx context.Context, a cocoon.Account, w bus.ID) (*jobRow, error) {
	row, err := d.store.job(ctx, d.store.db, a)
	switch {
	case err != nil:
		return nil, err
	case row.Status == market.Open: // the worker may have seen the next block already
		return nil, cocoon.Unreachable.Errorf("job %s was not seen accepted yet", a)
	case !bytes.Equal(row.Worker, w[:]):
		return nil, cocoon.Forbidden.Errorf("job %s is not bound to worker %s", a, w)
	case row.closed():
		return nil, cocoon.Conflict.Errorf("job %s is %s", a, row.Status)
	}
	return row, nil
}

// result takes one part of a result, in order; part 0 begins anew.
func (d *Dispatcher) result(ctx context.Context, w bus.ID, data []byte) ([]byte, error) {
	p, err := bus.Decode[bus.Part](data)
	if err != nil {
		return nil, err
	}
	if _, err = d.bound(ctx, p.Job, w); err != nil {
		return nil, err
	}
	if !d.blobs.Has(p.Hash) {
		blob, err := d.uploads.add(p)
		if err == nil && blob != nil {
			err = d.blobs.Put(p.Hash, bytes.NewReader(blob), envelope.MaxBlob)
		}
		if err != nil {
			return nil, err
		}
	}
	return bus.Encode(bus.Ack{})
}

// add returns the blob with its last part.
func (u *uploads) add(p bus.Part) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.byJob[p.Job]
	if p.Index == 0 {
		if a == nil && len(u.byJob) >= maxUploads {
			return nil, bus.Refusef(bus.Busy, "too many results are on their way in")
		}
		a = &bus.Assembly{Job: p.Job, Hash: p.Hash, Size: p.Size}
		u.byJob[p.Job] = a
	}
	if a == nil {
		return nil, bus.Refusef(bus.Failed, "part 0 was not seen: begin again")
	}
	blob, err := a.Add(p)
	if err != nil || blob != nil {
		delete(u.byJob, p.Job)
	}
	return blob, err
}

// drop forgets what a closed job had begun.
func (u *uploads) drop(a cocoon.Account) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byJob, a)
}

// deliver stores a delivery that the chain will take, and relays it.
func (d *Dispatcher) deliver(ctx context.Context, w bus.ID, data []byte) ([]byte, error) {
	m, err := bus.Decode[bus.Deliver](data)
	if err != nil {
		return nil, err
	}
	row, err := d.bound(ctx, m.Job, w)
	if err != nil {
		return nil, err
	}
	delivery, err := d.checkDelivery(ctx, m, w)
	if err != nil {
		return nil, err
	}
	if len(row.Deliver) > 0 && !bytes.Equal(row.Result, delivery.ResultHash[:]) {
		return nil, cocoon.Conflict.Errorf("job %s has a delivery already", m.Job)
	}
	if len(row.Deliver) == 0 {
		body, err := wrappers.Cell(wrappers.Deliver{QueryID: queryID(m.Job), Response: d.deps.Sender.Account(), Signature: m.Signature, Delivery: m.Delivery.Cell})
		if err != nil {
			return nil, err
		}
		row.Result, row.Deliver = delivery.ResultHash[:], body.ToBOC()
		if err = d.store.save(ctx, d.store.db, row, "result", "deliver"); err != nil {
			return nil, err
		}
		d.log.Info("result received", "job", m.Job, "worker", w)
	}
	d.nudge()
	return bus.Encode(bus.Ack{})
}

func (d *Dispatcher) checkDelivery(ctx context.Context, m bus.Deliver, w bus.ID) (wrappers.Delivery, error) {
	delivery, err := wrappers.Decode[wrappers.Delivery](m.Delivery.Cell)
	if err != nil {
		return delivery, err
	}
	j, err := d.deps.Index.Job(ctx, m.Job)
	if err != nil {
		return delivery, fmt.Errorf("look up job %s: %w", m.Job, err)
	}
	switch {
	case delivery.Contract != m.Job || delivery.GlobalID != d.cfg.GlobalID:
		return delivery, cocoon.Forbidden.Errorf("delivery is for job %s on network %d", delivery.Contract, delivery.GlobalID)
	case delivery.Amount.IsZero() || delivery.Amount.Cmp(j.Budget) > 0:
		return delivery, cocoon.Invalid.Errorf("delivery asks for %s of a budget of %s", delivery.Amount.Nano, j.Budget)
	case !ed25519.Verify(w[:], m.Delivery.Hash(), m.Signature[:]):
		return delivery, cocoon.Forbidden.Errorf("delivery is not signed by worker %s", w)
	case !d.blobs.Has(delivery.ResultHash):
		return delivery, cocoon.NotFound.Errorf("result %x was not received", delivery.ResultHash)
	}
	return delivery, nil
}
