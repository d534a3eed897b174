package audit

import (
	"errors"
	"fmt"
	"math"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// mark is one entry of ProcessedInfo: a shard has taken in all messages up to
// (lt, hash) that its neighbours had as of a masterchain block.
type mark struct {
	shard  uint64
	master uint32
	lt     uint64
	hash   hash
}

func (m mark) includes(o mark) bool {
	return shard{0, m.shard}.covers(shard{0, o.shard}) && m.master >= o.master && !earlier(m.lt, m.hash, o.lt, o.hash)
}

// processed is ProcessedInfo of a shard.
type processed struct {
	owner shard
	marks []mark
}

func loadProcessed(s *cell.Slice, owner shard) (processed, error) {
	p := processed{owner: owner}
	dict, err := s.LoadDict(96)
	if err != nil {
		return p, err
	}
	items, err := dict.LoadAll()
	if err != nil {
		return p, err
	}
	for _, item := range items {
		of, err1 := item.Key.LoadUInt(64)
		master, err2 := item.Key.LoadUInt(32)
		lt, err3 := item.Value.LoadUInt(64)
		m := mark{shard: of, master: uint32(master), lt: lt}
		if err = errors.Join(err1, err2, err3, item.Value.LoadSliceInto(m.hash[:], 256)); err != nil {
			return p, err
		}
		if of == 0 || !owner.covers(shard{owner.workchain, of}) {
			return p, fmt.Errorf("an entry of shard %016x, out of %s", of, owner)
		}
		p.marks = append(p.marks, m)
	}
	return p, nil
}

func (p processed) includes(m mark) bool {
	for _, own := range p.marks {
		if own.includes(m) {
			return true
		}
	}
	return false
}

// split keeps what concerns s, narrowed to it.
func (p processed) split(s shard) processed {
	part := processed{owner: s}
	for _, m := range p.marks {
		switch of := (shard{s.workchain, m.shard}); {
		case of.covers(s):
			m.shard = s.prefix
			part.marks = append(part.marks, m)
		case s.covers(of):
			part.marks = append(part.marks, m)
		}
	}
	return part.reduced()
}

func (p processed) join(o processed, owner shard) processed {
	return processed{owner, append(append([]mark{}, p.marks...), o.marks...)}.reduced()
}

// reduced leaves out entries that others include.
func (p processed) reduced() processed {
	rest := processed{owner: p.owner}
	for i, m := range p.marks {
		covered := rest.includes(m)
		for _, later := range p.marks[i+1:] {
			covered = covered || later.includes(m)
		}
		if !covered {
			rest.marks = append(rest.marks, m)
		}
	}
	return rest
}

func (p processed) oldestMaster() uint32 {
	oldest := uint32(math.MaxUint32)
	for _, m := range p.marks {
		oldest = min(oldest, m.master)
	}
	return oldest
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
