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
	shards := t.reference.shards()
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

// checkProcessed: ProcessedInfo grew by at most one mark, which tells exactly
// what this block took (check_processed_upto of the reference node).
func (t *step) checkProcessed() error {
	before, after := t.before.processed, t.after.processed
	if len(after.reduced().marks) != len(after.marks) {
		return errors.New("an entry of ProcessedInfo includes another")
	}
	for _, m := range before.marks {
		if !after.includes(m) {
			return fmt.Errorf("ProcessedInfo of masterchain block %d, lt %d, is taken back", m.master, m.lt)
		}
	}
	var claim mark
	for _, m := range after.marks {
		if before.includes(m) {
			continue
		}
		if claim.lt != 0 {
			return errors.New("ProcessedInfo grows by more than one entry")
		}
		claim = m
		if m.shard != t.block.shard.prefix || m.master != t.masterSeqno() || m.lt >= t.block.endLT || m.lt == 0 {
			return fmt.Errorf("a new entry of ProcessedInfo is of shard %016x, masterchain block %d, lt %d", m.shard, m.master, m.lt)
		}
	}
	if err := t.checkClaim(claim); err != nil {
		return err
	}
	return t.checkTaken()
}

// checkClaim: nothing was processed above the mark, nothing left below it.
func (t *step) checkClaim(claim mark) error {
	for h, r := range t.block.in {
		if (r.tag == importImm && !t.block.special(r) || r.tag == importFin || r.tag == importTr) && earlier(claim.lt, claim.hash, r.env.emitted, h) {
			return fmt.Errorf("message %x, lt %d, was processed, ProcessedInfo ends at lt %d", h, r.env.emitted, claim.lt)
		}
	}
	for h, r := range t.block.out {
		if r.tag == exportNew && t.block.shard.contains(r.msg.toAt) && !earlier(claim.lt, claim.hash, r.env.emitted, h) {
			return fmt.Errorf("message %x, lt %d, was enqueued, ProcessedInfo ends after it at lt %d", h, r.env.emitted, claim.lt)
		}
	}
	return nil
}

// checkTaken goes through all queues of neighbours: what is marked as taken since
// the block before was imported, and nothing else was (check_in_queue). As marks
// are an order by lt, no message was passed over.
func (t *step) checkTaken() error {
	for _, n := range t.neighbours {
		for k, e := range n.queue {
			if !t.block.shard.contains(k.next) {
				continue
			}
			r := t.block.in[k.msg]
			imported := r != nil && (r.tag == importFin || r.tag == importTr) && r.env.hash == e.hash
			before, after := t.taken(t.before.processed, e), t.taken(t.after.processed, e)
			if imported != (after && !before) {
				return fmt.Errorf("message %s of %s, lt %d: imported here %t, taken before %t and after %t", k, n.shard, e.emitted, imported, before, after)
			}
		}
	}
	return nil
}
