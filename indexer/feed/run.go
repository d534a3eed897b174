package feed

import (
	"context"
	"sync"
	"time"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// run is one time of reading ahead, from a position until it is cancelled.
type run struct {
	chain  Chain
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	slots  chan *slot // in order
	asking chan struct{}
	gate   *gate

	due   uint32  // of the consumer: the seqno that comes out next
	taken []*slot // of the consumer: from that seqno on, those that came out of slots
}

func begin(c Chain, cfg Config, after Position) *run {
	r := &run{chain: c, cfg: cfg, slots: make(chan *slot, cfg.Window), asking: make(chan struct{}, cfg.Parallel), due: after.Seqno + 1}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.gate = newGate(cfg.Bytes)
	r.gate.lead(r.due, after.Seqno+uint32(cfg.Segment))
	r.work.Go(func() { r.plan(after) })
	return r
}

// next waits for the item that is due, and adds what has come after it.
func (r *run) next(ctx context.Context, most int) ([]*Item, error) {
	if len(r.taken) == 0 {
		select {
		case s := <-r.slots:
			r.taken = append(r.taken, s)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	first := r.taken[0]
	r.gate.lead(first.seqno, first.last)
	select {
	case <-first.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if first.err != nil {
		return nil, first.err
	}
	items := []*Item{&first.item}
	for len(items) < most && r.ready(len(items)) {
		items = append(items, &r.taken[len(items)].item)
	}
	return items, nil
}

// ready tells whether the item n places after the one that is due has come.
func (r *run) ready(n int) bool {
	if n == len(r.taken) {
		select {
		case s := <-r.slots:
			r.taken = append(r.taken, s)
		default:
			return false
		}
	}
	select {
	case <-r.taken[n].done:
		return r.taken[n].err == nil
	default:
		return false
	}
}

// pass lets the items up to a seqno go; false where the one after it cannot come out next.
func (r *run) pass(seqno uint32) bool {
	if seqno+1 < r.due || seqno+1 > r.due+uint32(len(r.taken)) {
		return false
	}
	for ; r.due <= seqno; r.due++ {
		r.gate.leave(r.taken[0])
		r.taken = r.taken[1:]
	}
	return true
}

// newSegment are the slots of neighbouring blocks after another one.
func newSegment(first, last uint32, before *slot) (segment []*slot) {
	for seqno := first; seqno <= last; seqno++ {
		before = newSlot(seqno, last, before)
		segment = append(segment, before)
	}
	return segment
}

// firstSegment is how many masterchain blocks the first proof leads to: a segment
// is read one block after another, and nothing comes out before the first is read.
const firstSegment = 4

// plan cuts what the chain has into segments, and waits for it to grow.
func (r *run) plan(after Position) {
	before := &slot{}
	if after.Tops != nil || after.Seqno == 0 {
		before.item.Tops = append([]*ton.BlockIDExt{}, after.Tops...)
	}
	before.master = closed
	var head *ton.BlockIDExt
	length := min(firstSegment, r.cfg.Segment)
	for next := after.Seqno + 1; ; length = min(2*length, r.cfg.Segment) {
		if head == nil || head.SeqNo < next {
			var err error
			if head, err = again(r, next, func() (*ton.BlockIDExt, error) { return r.chain.HeadFrom(r.ctx, next) }); err != nil {
				r.push(failed(next, err))
				return
			}
		}
		last := min(next+uint32(length)-1, head.SeqNo)
		segment := newSegment(next, last, before)
		before, next = segment[len(segment)-1], last+1
		known := head // of this segment: there may be a newer one before it is read
		r.work.Go(func() { r.read(segment, known) })
		for _, s := range segment {
			if !r.push(s) {
				return
			}
		}
	}
}

// push waits for room in the window.
func (r *run) push(s *slot) bool {
	select {
	case r.slots <- s:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// read reads the masterchain blocks of a segment from its last back to its first.
func (r *run) read(segment []*slot, head *ton.BlockIDExt) {
	id, err := head, error(nil)
	if last := segment[0].last; last != head.SeqNo {
		id, err = again(r, last, func() (*ton.BlockIDExt, error) { return r.chain.LookupMaster(r.ctx, last) })
	}
	for i := len(segment) - 1; i >= 0; i-- {
		s := segment[i]
		var parent *ton.BlockIDExt
		if err == nil {
			parent, err = r.readMaster(s, id)
		}
		s.err = err
		close(s.master)
		r.work.Go(func() { r.finish(s) })
		id = parent
	}
}

// again does something until the chain answers.
func again[T any](r *run, seqno uint32, do func() (T, error)) (T, error) {
	for wait := r.cfg.Pause / 16; ; wait = min(2*wait, r.cfg.Pause) {
		v, err := do()
		if err == nil || r.ctx.Err() != nil {
			return v, err
		}
		switch cocoon.KindOf(err) {
		case cocoon.Unreachable:
			r.cfg.Logger.Warn("chain not reached", "seqno", seqno, "err", err)
		case cocoon.NotFound: // proven to be there: no server has it yet
			r.cfg.Logger.Info("block not served yet", "seqno", seqno, "err", err)
		default:
			return v, err
		}
		select {
		case <-time.After(wait):
		case <-r.ctx.Done():
			return v, r.ctx.Err()
		}
	}
}
