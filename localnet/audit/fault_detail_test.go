package audit

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// detailFaults break what is left of the rules, one condition each.
var detailFaults = []fault{
	{"a block that ends where it starts", RuleHeader, inShards(func(b *toyBlock) { b.end = b.start; b.state.endLT = b.end }), nil},
	{"a masterchain that splits", RulePrevious, inMaster(func(b *toyBlock) { b.afterSplit = true }), nil},
	{"a split that was none", RulePrevious, inShards(func(b *toyBlock) { b.afterSplit = !b.afterSplit }), nil},
	{"an older masterchain block than before", RuleTime, func(c *toy, b *toyBlock) bool {
		b.reference = c.line[len(c.line)-4]
		return b.tops == nil && !b.afterSplit
	}, nil},
	{"lt of before the masterchain block", RuleTime, inShards(func(b *toyBlock) { b.start = b.reference.endLT }), nil},
	{"an account block to another state", RuleAccounts, func(_ *toy, b *toyBlock) bool { return touched(b, func(tx *toyTx) { tx.new[0] ^= 1 }) }, nil},
	{"a transaction out of the block", RuleTransactions, func(_ *toy, b *toyBlock) bool { return touched(b, func(tx *toyTx) { tx.lt -= 1 << 20 }) }, nil},
	{"a transaction from another state", RuleTransactions, func(_ *toy, b *toyBlock) bool {
		for _, id := range ordered(b.txs) {
			if txs := b.txs[id]; len(txs) > 1 {
				tx := &txs[1]
				tx.old[0] ^= 1
				tx.cell = tx.build(address{b.shard.workchain, id})
				return len(txs) > 2 || !signed(b, id, tx)
			}
		}
		return false
	}, nil},
	{"a fee that is not the envelope's", RuleInbound, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.in, 0b011, 3)
		if r != nil {
			b.in[h] = record(0b011, 3, must(r.PeekRef(0))).MustStoreRef(must(r.PeekRef(1))).MustStoreBigCoins(nano(1)).EndCell()
		}
		return r != nil
	}, nil},
	{"a new message with less than its fees", RuleOutbound, func(c *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b001, 3)
		if r != nil {
			e := must(loadEnvelope(must(r.PeekRef(0))))
			b.out[h] = record(0b001, 3, c.envelope(e.cur, e.next, toyMsgFee-1, c.messages[h])).MustStoreRef(must(r.PeekRef(1))).EndCell()
		}
		return r != nil
	}, nil},
	{"another envelope in the queue", RuleQueue, func(c *toy, b *toyBlock) bool {
		return requeue(b, func(e *toyEntry) {
			e.cell = c.envelope(e.cur, e.next, e.fee.Int64()-1, c.messages[e.msg.hash])
		})
	}, nil},
	{"an enqueued_lt that changes", RuleQueue, func(_ *toy, b *toyBlock) bool { return requeue(b, func(e *toyEntry) { e.enqueuedLT++ }) }, nil},
	{"a message dequeued that was not there", RuleQueue, func(c *toy, b *toyBlock) bool {
		for _, a := range c.people {
			if b.shard.contains(a.place()) {
				m := c.message(a, a, 1, b.start, b.utime)
				b.out[m.HashKey()] = record(0b1100, 4, c.envelope(96, 96, 0, m)).MustStoreUInt(1, 63).EndCell()
				return b.tops == nil
			}
		}
		return false
	}, nil},
	{"a mark that another includes", RuleProcessed, func(_ *toy, b *toyBlock) bool {
		old := b.base.processed.marks
		if b.claim.lt == 0 || len(old) == 0 || !b.claim.includes(old[0]) {
			return false
		}
		b.state.processed.marks = append(slices.Clone(old), b.claim)
		b.minRef = min(b.masterSeqno(), b.state.processed.oldestMaster())
		return b.tops == nil
	}, nil},
	{"a mark of another masterchain block", RuleProcessed, func(_ *toy, b *toyBlock) bool {
		marks := slices.Clone(b.state.processed.marks)
		if b.claim.lt == 0 || b.tops != nil || len(marks) != 1 {
			return false
		}
		marks[0].master++
		b.state.processed.marks = marks
		return true
	}, nil},
	{"validators of another shard", RuleShards, inMaster(func(b *toyBlock) { newest(b).nextValidatorShard ^= 1 << 10 }), nil},
	{"a catchain that leaps", RuleShards, inMaster(func(b *toyBlock) { newest(b).nextCatchain += 2 }), nil},
	{"a plan of the past", RuleAnnounced, planned(func(d *descr) bool { return d.plan == plan{} && d.shard.length() < 3 && !d.beforeSplit },
		func(d *descr) { d.plan = plan{split: true, since: 5, interval: 10} }), nil},
	{"a plan changed", RuleAnnounced, planned(func(d *descr) bool { return d.plan.split && !d.beforeSplit }, func(d *descr) { d.plan.since-- }), nil},
	{"a merge of one", RuleAnnounced, planned(func(d *descr) bool { return !d.beforeMerge }, func(d *descr) { d.beforeMerge = true }), nil},
	{"another set of validators to come", RuleMasterState, func(c *toy, b *toyBlock) bool {
		if b.tops != nil {
			c.validators[true]++
		}
		return b.tops != nil
	}, nil},
}

// signed writes a transaction's hash into its account.
func signed(b *toyBlock, id [32]byte, tx *toyTx) bool {
	a := b.state.accounts[id]
	a.last, a.lastHash = tx.lt, tx.cell.HashKey()
	b.state.accounts[id] = a
	return false
}

// requeue changes an entry that waited before.
func requeue(b *toyBlock, change func(*toyEntry)) bool {
	for _, k := range orderedQueue(b.state.queue) {
		if e, old := b.base.queue[k]; old && b.tops == nil {
			change(&e)
			b.state.queue[k] = e
			return true
		}
	}
	return false
}

func planned(which func(*descr) bool, change func(*descr)) func(*toy, *toyBlock) bool {
	return func(_ *toy, b *toyBlock) bool {
		for _, d := range orderedTops(b.tops) {
			if which(d) {
				change(d)
				return true
			}
		}
		return false
	}
}

func TestAudit_NoticesEveryDetail(t *testing.T) {
	t.Parallel()
	for _, f := range detailFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			requireNoticed(t, newToy(t, 9, 3), f, 50)
		})
	}
}

func TestAudit_NoticesAMessagePassedOver(t *testing.T) {
	t.Parallel()
	c := newToy(t, 9, 3)
	c.rounds(10)
	for c.passOver = true; c.passOver; {
		c.round()
	}
	var v *Violation
	require.ErrorAs(t, c.audit(), &v)
	require.Equal(t, RuleProcessed, v.Rule, v.Error())
}
