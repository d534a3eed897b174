package audit

import "slices"

var contentFaults = []fault{
	{"an account changed without a transaction", RuleAccounts, func(c *toy, b *toyBlock) bool {
		for _, id := range ordered(b.state.accounts) {
			a := b.state.accounts[id]
			if b.txs[id] == nil && b.tops == nil {
				a.nano++
				a.cell = accountCell(address{b.shard.workchain, id}, a)
				b.state.accounts[id] = a
				return true
			}
		}
		return false
	}, nil},
	{"an account lost", RuleAccounts, func(c *toy, b *toyBlock) bool {
		for _, id := range ordered(b.state.accounts) {
			if b.txs[id] == nil && b.tops != nil {
				delete(b.state.accounts, id)
				return true
			}
		}
		return false
	}, nil},
	{"an account block from another state", RuleAccounts, func(_ *toy, b *toyBlock) bool { return touched(b, func(tx *toyTx) { tx.old[0] ^= 1; tx.new[0] ^= 1 }) }, nil},
	{"a transaction of another time", RuleTransactions, func(_ *toy, b *toyBlock) bool { return touched(b, func(tx *toyTx) { tx.now++ }) }, nil},
	{"a transaction that follows another", RuleTransactions, func(_ *toy, b *toyBlock) bool { return touched(b, func(tx *toyTx) { tx.prev.last++ }) }, nil},
	{"a message taken in without a record", RuleInbound, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.in, 0b100, 3)
		delete(b.in, h)
		return r != nil
	}, nil},
	{"a record of another transaction", RuleInbound, func(_ *toy, b *toyBlock) bool {
		for _, h := range ordered(b.in) {
			r := b.in[h]
			for _, id := range ordered(b.txs) {
				if other := b.txs[id][0].cell; must(r.PeekRef(1)).HashKey() != other.HashKey() && must(must(r.BeginParse()).LoadUInt(3)) == 0 {
					b.in[h] = record(0, 3, must(r.PeekRef(0))).MustStoreRef(other).EndCell()
					return true
				}
			}
		}
		return false
	}, nil},
	{"a message delivered at once without a record", RuleInbound, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b010, 3)
		delete(b.out, h)
		return r != nil
	}, nil},
	{"a message sent without a record", RuleOutbound, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b001, 3)
		delete(b.out, h)
		return r != nil
	}, nil},
	{"a message on a way of its own", RuleOutbound, func(c *toy, b *toyBlock) bool {
		for _, h := range ordered(b.out) {
			r := b.out[h]
			if must(must(r.BeginParse()).LoadUInt(3)) != 0b001 {
				continue
			}
			e := must(loadEnvelope(must(r.PeekRef(0))))
			if e.next == 96 {
				continue
			}
			b.out[h] = record(0b001, 3, c.envelope(e.cur, 96, toyMsgFee, c.messages[h])).MustStoreRef(must(r.PeekRef(1))).EndCell()
			return true
		}
		return false
	}, nil},
	{"an envelope that lost fees", RuleImport, func(c *toy, b *toyBlock) bool {
		h, r := recorded(b, b.in, 0b100, 3)
		if r == nil || b.out[h] != nil {
			return false
		}
		e := must(loadEnvelope(must(r.PeekRef(0))))
		less := c.envelope(e.cur, e.next, e.fee.Int64()-1, c.messages[h])
		b.in[h] = record(0b100, 3, less).MustStoreRef(must(r.PeekRef(1))).MustStoreBigCoins(nano(e.fee.Int64() - 1)).EndCell()
		return true
	}, nil},
	{"a message not put into the queue", RuleQueue, func(_ *toy, b *toyBlock) bool {
		h, _ := recorded(b, b.out, 0b001, 3)
		k, ok := ownEntry(b, h)
		delete(b.state.queue, k)
		return ok
	}, nil},
	{"a message not taken out of the queue", RuleQueue, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b1100, 4)
		for _, k := range orderedQueue(b.base.queue) {
			if r != nil && k.msg == h {
				b.state.queue[k] = b.base.queue[k]
				return true
			}
		}
		return false
	}, nil},
	{"a message enqueued in another block", RuleQueue, func(_ *toy, b *toyBlock) bool {
		h, _ := recorded(b, b.out, 0b001, 3)
		k, ok := ownEntry(b, h)
		if ok {
			e := b.state.queue[k]
			e.enqueuedLT += 1 << 40
			b.state.queue[k] = e
		}
		return ok
	}, nil},
	{"a message dequeued that nobody took", RuleDequeue, func(_ *toy, b *toyBlock) bool { return dequeue(b) }, nil},
	{"a message dequeued of another block", RuleDequeue, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b1100, 4)
		if r != nil {
			b.out[h] = record(0b1100, 4, must(r.PeekRef(0))).MustStoreUInt(12345, 63).EndCell()
		}
		return r != nil
	}, nil},
	{"messages taken and not marked", RuleProcessed, unmark, nil},
	{"a mark above what was taken", RuleProcessed, func(c *toy, b *toyBlock) bool {
		if b.claim.lt == 0 || b.tops != nil || !leaves(c, b) {
			return false
		}
		b.claim.lt = b.end - 1
		b.state.processed = processed{b.shard, append(slices.Clone(b.base.processed.marks), b.claim)}.reduced()
		return true
	}, nil},
	{"a queue that is shorter than it says", RuleParse, inShards(func(b *toyBlock) { b.state.miscount++ }), nil},
	{"money from nowhere", RuleFlow, inShards(func(b *toyBlock) { b.flow.from++ }), nil},
	{"money to nowhere", RuleFlow, inShards(func(b *toyBlock) { b.flow.exported++; b.flow.from++ }), nil},
	{"fees that are not listed", RuleFlow, inShards(func(b *toyBlock) { b.flow.fees++; b.flow.from++ }), nil},
	{"a balance that is not the sum", RuleFlow, inShards(func(b *toyBlock) { b.flow.to++; b.flow.from++ }), nil},
	{"fees forgotten", RuleFees, inShards(func(b *toyBlock) { b.state.fees-- }), nil},
	{"a message lost in a queue", RuleDelivery, func(_ *toy, b *toyBlock) bool { return dequeue(b) }, []Rule{RuleDequeue}},
	{"a message delivered twice", RuleDelivery, unmark, []Rule{RuleProcessed}},
}
