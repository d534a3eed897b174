package audit

import (
	"errors"
	"fmt"
)

// neighbour is a shard whose queue a block reads: every shard that the
// masterchain block it refers to knows, the masterchain, and the shard itself as
// the block before left it.
type neighbour struct {
	shard     shard
	queue     queue
	processed processed
	endLT     uint64
}

// findNeighbours follows add_trivial_neighbor of the reference node: where the
// masterchain still has the parent of this shard, its other half is there in
// place of the sibling; where it still has the children, this shard is in their
// place. A masterchain block reads shards as it registers them itself.
func (t *step) findNeighbours() error {
	shards := t.reference.tops
	if t.block.master != nil {
		shards = t.block.master.shards
	} else if err := t.add(t.reference.ref, t.reference.state); err != nil {
		return err
	}
	b := t.before
	t.neighbours = append(t.neighbours, &neighbour{b.shard, b.queue, b.processed, b.leftLT})
	for s, d := range shards {
		if s == b.shard || b.shard.isParentOf(s) {
			continue
		}
		known := t.blocks[d.root]
		if known == nil {
			return fmt.Errorf("top block %s of the masterchain is not known", d.ref)
		}
		if !s.isParentOf(b.shard) {
			if err := t.add(d.ref, known.state); err != nil {
				return err
			}
			continue
		}
		other := b.shard.sibling()
		q, err := known.state.queue.part(other)
		if err != nil {
			return err
		}
		t.neighbours = append(t.neighbours, &neighbour{other, q, known.state.processed.split(other), d.endLT})
	}
	return nil
}

var errForgotten = errors.New("a state too old to be kept is referred to")

func (t *step) add(r ref, st *state) error {
	if st == nil {
		return fmt.Errorf("%w: of %s", errForgotten, r)
	}
	t.neighbours = append(t.neighbours, &neighbour{r.shard, st.queue, st.processed, r.endLT})
	return nil
}

// taken tells whether a shard with such a ProcessedInfo has taken a message
// (MsgProcessedUpto::already_processed of the reference node): its lt and hash
// are not above a mark, and it was in the neighbour's queue as of the masterchain
// block of the mark. Messages inside one shard need no masterchain.
func (t *step) taken(p processed, e enqueued) bool { return p.has(e, t.endLT) }

func (p processed) has(e enqueued, endLT func(master uint32, at place) uint64) bool {
	at, next := e.at(), e.nextAt()
	if !p.owner.contains(next) {
		return false
	}
	for _, m := range p.marks {
		of := shard{p.owner.workchain, m.shard}
		if earlier(m.lt, m.hash, e.emitted, e.msg.hash) || !of.contains(next) {
			continue
		}
		if of.contains(at) || e.enqueuedLT < endLT(m.master, at) {
			return true
		}
	}
	return false
}

// endLT is where the newest block ended, as of a masterchain block, of the shard
// that has a place. Marks of the future count as of the block referred to.
func (t *step) endLT(master uint32, at place) uint64 {
	if t.block.master != nil && master == t.block.seqno {
		return endOf(t.block.ref, t.block.master.shards, at)
	}
	m := t.masters[min(master, t.reference.seqno)]
	return endOf(m.ref, m.tops, at)
}

func endOf(master ref, shards map[shard]*descr, at place) uint64 {
	if master.shard.contains(at) {
		return master.endLT
	}
	for s, d := range shards {
		if s.contains(at) {
			return d.endLT
		}
	}
	return 0
}
