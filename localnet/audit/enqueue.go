package audit

import (
	"errors"
	"fmt"
	"maps"
)

// checkQueue: the queue changed by what out_msg_descr lists, and by nothing else.
func (t *step) checkQueue() error {
	want := maps.Clone(t.before.queue)
	fresh := map[queueKey]bool{}
	for h, r := range t.block.out {
		if err := t.changeQueue(want, fresh, h, r); err != nil {
			return fmt.Errorf("%s of message %x: %w", r.tag, h, err)
		}
	}
	for k, e := range t.after.queue {
		w, ok := want[k]
		switch {
		case !ok:
			return fmt.Errorf("message %s is in the queue, nothing put or left it there", k)
		case w.hash != e.hash:
			return fmt.Errorf("message %s has another envelope in the queue", k)
		case fresh[k] && (e.enqueuedLT < t.block.info.StartLt || e.enqueuedLT >= t.block.endLT):
			return fmt.Errorf("message %s was enqueued at %d, out of the block", k, e.enqueuedLT)
		case !fresh[k] && e.enqueuedLT != w.enqueuedLT:
			return fmt.Errorf("message %s changed its enqueued_lt", k)
		}
	}
	for k := range want {
		if _, ok := t.after.queue[k]; !ok {
			return fmt.Errorf("message %s is not in the queue", k)
		}
	}
	return nil
}

// changeQueue does to a queue what one record tells.
func (t *step) changeQueue(q queue, fresh map[queueKey]bool, h hash, r *outbound) error {
	switch r.tag {
	case exportDeq, exportDeqShort, exportDeqImm:
		return take(q, r.key(h), r.envelope)
	case exportTrReq:
		if err := take(q, r.imported.env.key(), r.imported.env.hash); err != nil {
			return err
		}
	case exportNew, exportTr:
	case exportNewDefer, exportDeferredTr:
		return errDeferred
	default:
		return nil
	}
	key := r.key(h)
	if _, there := q[key]; there {
		return errors.New("it is in the queue already")
	}
	q[key], fresh[key] = enqueued{envelope: r.env}, true
	return nil
}

func take(q queue, key queueKey, envelope hash) error {
	e, ok := q[key]
	if !ok {
		return errors.New("it was not in the queue")
	}
	if e.hash != envelope {
		return errors.New("it had another envelope in the queue")
	}
	delete(q, key)
	return nil
}

// checkDequeued: what was taken out because a neighbour has it, the neighbour
// really has, by its ProcessedInfo as of the masterchain block referred to.
// After a merge all such messages must go (check_delivered_dequeued), and at any
// time those this shard itself has taken, which the network asks for only where a
// block takes in messages.
func (t *step) checkDequeued() error {
	for k, e := range t.before.queue {
		r := t.block.out[k.msg]
		gone := r != nil && (r.tag == exportDeq || r.tag == exportDeqShort) && r.key(k.msg) == k
		var taker *neighbour
		for _, n := range t.neighbours {
			if t.taken(n.processed, e) {
				taker = n
				break
			}
		}
		switch {
		case gone && taker == nil:
			return fmt.Errorf("message %s is dequeued, no neighbour has taken it", k)
		case gone && taker.endLT != r.importLT:
			return fmt.Errorf("message %s was imported in a block that ends at %d, not %d", k, taker.endLT, r.importLT)
		case !gone && taker != nil && (t.block.info.AfterMerge || taker.shard == t.block.shard):
			return fmt.Errorf("message %s was taken by %s and is not dequeued", k, taker.shard)
		}
	}
	return nil
}
