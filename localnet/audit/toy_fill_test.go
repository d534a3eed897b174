package audit

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// fill takes in what waits, then what comes from outside, then what follows.
func (c *toy) fill(b *toyBlock) {
	st := *b.base
	st.accounts, st.queue = maps.Clone(st.accounts), maps.Clone(st.queue)
	b.state = &st
	b.neighbours = c.neighbours(b)
	taken := func(p processed, e enqueued) bool { return p.has(e, c.endLT(b)) }
	for k, e := range b.base.queue {
		for _, n := range b.neighbours {
			if taken(n.processed, e.enqueued) {
				delete(st.queue, k)
				b.out[k.msg] = record(0b1100, 4, e.cell).MustStoreUInt(n.endLT, 63).EndCell()
				break
			}
		}
	}
	var waiting []enqueued
	for _, n := range b.neighbours {
		for k, e := range n.queue {
			if b.shard.contains(k.next) && !taken(b.base.processed, e) {
				waiting = append(waiting, e)
			}
		}
	}
	slices.SortFunc(waiting, func(x, y enqueued) int {
		return cmp.Or(cmp.Compare(x.emitted, y.emitted), bytes.Compare(x.msg.hash[:], y.msg.hash[:]))
	})
	if c.passOver && len(waiting) > 1 {
		waiting, c.passOver = waiting[1:], false
	}
	for _, e := range waiting {
		if b.left == 0 {
			break
		}
		b.left--
		c.take(b, e)
	}
	for range c.random.IntN(3) {
		c.external(b)
	}
	c.deliver(b)
}

func (c *toy) neighbours(b *toyBlock) []*neighbour {
	tops := b.tops
	list := []*neighbour{{b.shard, plain(b.base.queue), b.base.processed, b.prev[0].endLT}}
	if tops == nil {
		tops = c.tops
		list = append(list, &neighbour{c.master.shard, plain(c.master.queue), c.master.processed, c.master.endLT})
	}
	for s, d := range tops {
		st := c.known[d.root]
		switch {
		case s == b.shard || b.shard.isParentOf(s):
		case s.isParentOf(b.shard):
			half := st.part(b.shard.sibling())
			list = append(list, &neighbour{half.shard, plain(half.queue), half.processed, d.endLT})
		default:
			list = append(list, &neighbour{s, plain(st.queue), st.processed, d.endLT})
		}
	}
	return list
}

func plain(q map[queueKey]toyEntry) queue {
	all := queue{}
	for k, e := range q {
		all[k] = e.enqueued
	}
	return all
}

func (c *toy) endLT(b *toyBlock) func(uint32, place) uint64 {
	return func(seqno uint32, at place) uint64 {
		seqno = min(seqno, b.reference.seqno)
		return endOf(c.line[seqno], c.past[seqno], at)
	}
}

// take brings in a message that waited in a queue.
func (c *toy) take(b *toyBlock, e enqueued) {
	env := c.envelopes[e.hash]
	own := b.shard.contains(e.at())
	if own {
		delete(b.state.queue, e.key())
	}
	b.claim = mark{b.shard.prefix, b.masterSeqno(), e.emitted, e.msg.hash}
	carried := e.msg.value.amount().Int64() + e.fee.Int64()
	b.flow.imported += carried
	if b.shard.contains(e.msg.toAt) {
		tx := c.execute(b, e.msg.to, c.messages[e.msg.hash], e.msg.value.amount().Int64())
		in := record(0b100, 3, env).MustStoreRef(tx).MustStoreBigCoins(e.fee).EndCell()
		b.in[e.msg.hash], b.flow.inFees = in, b.flow.inFees+e.fee.Int64()
		if own {
			b.out[e.msg.hash] = record(0b100, 3, env).MustStoreRef(in).EndCell()
		}
		return
	}
	cur, next, err := route(e.nextAt(), e.msg.toAt, b.shard)
	require.NoError(c.t, err)
	fee := e.fee.Int64() * toyNextPart >> 16
	on := c.envelope(cur, next, e.fee.Int64()-fee, c.messages[e.msg.hash])
	in := record(0b101, 3, env).MustStoreRef(on).MustStoreBigCoins(nano(fee)).EndCell()
	b.in[e.msg.hash], b.flow.inFees, b.flow.exported = in, b.flow.inFees+fee, b.flow.exported+carried-fee
	tag := uint64(0b011)
	if own {
		tag = 0b111
	}
	c.seen["transit"]++
	b.out[e.msg.hash] = record(tag, 3, on).MustStoreRef(in).EndCell()
	c.enqueue(b, on)
}

func (c *toy) enqueue(b *toyBlock, env *cell.Cell) {
	e, err := loadEnvelope(env)
	require.NoError(c.t, err)
	b.state.queue[e.key()] = toyEntry{enqueued{e, max(e.emitted, b.start)}, env}
}

func (c *toy) external(b *toyBlock) {
	var here []address
	for _, a := range c.people {
		if b.shard.contains(a.place()) {
			here = append(here, a)
		}
	}
	if len(here) == 0 {
		return
	}
	to := here[c.random.IntN(len(here))]
	c.nonce++
	msg := storeAddress(cell.BeginCell().MustStoreUInt(0b1000, 4), to).MustStoreUInt(0, 4+1+1).MustStoreUInt(c.nonce, 64).EndCell()
	tx := c.execute(b, to, msg, toyCoins/1000)
	b.in[msg.HashKey()] = record(0b000, 3, msg).MustStoreRef(tx).EndCell()
}

// deliver brings new messages to accounts of this shard at once, while there is
// room, in the order of their lt; the rest waits in the queue.
func (c *toy) deliver(b *toyBlock) {
	full := b.left == 0
	for len(b.sent) > 0 {
		m := b.sent[0]
		b.sent = b.sent[1:]
		here := b.shard.contains(m.msg.toAt)
		if full = full || here && b.left == 0; here && !full {
			b.left--
			env := c.envelope(96, 96, toyMsgFee, m.cell)
			tx := c.execute(b, m.msg.to, m.cell, m.msg.value.amount().Int64())
			in := record(0b011, 3, env).MustStoreRef(tx).MustStoreBigCoins(m.msg.fees).EndCell()
			b.in[m.msg.hash], b.flow.inFees = in, b.flow.inFees+toyMsgFee
			b.out[m.msg.hash] = record(0b010, 3, env).MustStoreRef(m.tx).MustStoreRef(in).EndCell()
			b.claim = mark{b.shard.prefix, b.masterSeqno(), m.msg.lt, m.msg.hash}
			continue
		}
		cur, next, err := route(m.msg.fromAt, m.msg.toAt, b.shard)
		require.NoError(c.t, err)
		if here {
			c.seen["left over"]++
		}
		env := c.envelope(cur, next, toyMsgFee, m.cell)
		b.out[m.msg.hash] = record(0b001, 3, env).MustStoreRef(m.tx).EndCell()
		b.flow.exported += m.msg.value.amount().Int64() + toyMsgFee
		c.enqueue(b, env)
	}
}
