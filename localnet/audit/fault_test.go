package audit

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// fault spoils a block and tells whether it found what to spoil.
type fault struct {
	name  string
	rule  Rule
	spoil func(*toy, *toyBlock) bool
	waive []Rule
}

// inShards and inMaster spoil every block of their kind that comes.
func inShards(spoil func(*toyBlock)) func(*toy, *toyBlock) bool {
	return func(_ *toy, b *toyBlock) bool {
		if b.tops == nil {
			spoil(b)
		}
		return b.tops == nil
	}
}

func inMaster(spoil func(*toyBlock)) func(*toy, *toyBlock) bool {
	return func(_ *toy, b *toyBlock) bool {
		if b.tops != nil {
			spoil(b)
		}
		return b.tops != nil
	}
}

// newest is the description of some shard registered anew.
func newest(b *toyBlock) *descr {
	for _, d := range b.tops {
		if d.registered == b.seqno {
			return d
		}
	}
	return nil
}

// recorded finds the record of some message: by its first bits, in a shard's block.
func recorded(b *toyBlock, records map[hash]*cell.Cell, tag uint64, bits uint) (hash, *cell.Cell) {
	for h, r := range records {
		if got, err := must(r.BeginParse()).LoadUInt(bits); b.tops == nil && err == nil && got == tag {
			return h, r
		}
	}
	return hash{}, nil
}

func ownEntry(b *toyBlock, h hash) (queueKey, bool) {
	for k := range b.state.queue {
		if k.msg == h {
			return k, true
		}
	}
	return queueKey{}, false
}

func previous(b *toyBlock, change func(*toyState)) {
	p := *b.prev[0]
	change(&p)
	b.prev = append([]*toyState{&p}, b.prev[1:]...)
}

// touched is a transaction of the block, changed and written anew.
func touched(b *toyBlock, change func(*toyTx)) bool {
	for id, txs := range b.txs {
		tx := &txs[len(txs)-1]
		change(tx)
		tx.cell = tx.build(address{b.shard.workchain, id})
		return true
	}
	return false
}

var headerFaults = []fault{
	{"another hash of the masterchain block", RuleMasterRef, inShards(func(b *toyBlock) { b.reference.root[3] ^= 1 }), nil},
	{"a masterchain block of the future", RuleMasterRef, inShards(func(b *toyBlock) { b.reference.seqno += 2 }), nil},
	{"another end of the block before", RulePrevious, inShards(func(b *toyBlock) { previous(b, func(p *toyState) { p.endLT-- }) }), nil},
	{"another file hash of the block before", RulePrevious, inShards(func(b *toyBlock) { previous(b, func(p *toyState) { p.file[0] ^= 1 }) }), nil},
	{"a seqno left out", RulePrevious, inShards(func(b *toyBlock) { b.seqno++; b.state.seqno++ }), nil},
	{"an update of another state", RuleUpdate, func(c *toy, b *toyBlock) bool {
		previous(b, func(p *toyState) { p.cell = c.master.cell })
		return b.tops == nil
	}, nil},
	{"a key block in a shard", RuleHeader, inShards(func(b *toyBlock) { b.key = true }), nil},
	{"both wishes at once", RuleHeader, inShards(func(b *toyBlock) { b.wantSplit, b.wantMerge = true, true }), nil},
	{"seconds that go back", RuleTime, inShards(func(b *toyBlock) { b.utime -= 100; b.state.utime -= 100 }), nil},
	{"lt that goes back", RuleTime, inShards(func(b *toyBlock) { b.start = b.base.endLT }), nil},
	{"another set of validators", RuleValidators, inShards(func(b *toyBlock) { b.hashOf++ }), nil},
	{"another catchain", RuleCatchain, inShards(func(b *toyBlock) { b.catchain++ }), nil},
	{"a key block without a change", RuleKeyBlock, inMaster(func(b *toyBlock) { b.key = true }), nil},
	{"another key block before", RuleKeyBlock, inShards(func(b *toyBlock) { b.keySeqno = 3 }), nil},
	{"a state of another second", RuleState, inShards(func(b *toyBlock) { b.state.utime++ }), nil},
	{"a state of another lt", RuleState, inShards(func(b *toyBlock) { b.state.endLT++ }), nil},
	{"an oldest reference that is not", RuleMinRef, inShards(func(b *toyBlock) { b.minRef-- }), nil},
	{"a history rewritten", RuleHistory, inShards(func(b *toyBlock) { b.state.over ^= 4 }), nil},
	{"a wish without a history", RuleHistory, inShards(func(b *toyBlock) { b.wantMerge = true; b.wantSplit = false }), nil},
	{"a split that was not planned", RuleLayout, func(_ *toy, b *toyBlock) bool {
		ok := b.tops == nil && !b.beforeSplit && !b.afterSplit && b.shard.length() == 2
		b.beforeSplit = b.beforeSplit || ok
		return ok
	}, nil},
}

var contentFaults = []fault{
	{"an account changed without a transaction", RuleAccounts, func(c *toy, b *toyBlock) bool {
		for id, a := range b.state.accounts {
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
		for id := range b.state.accounts {
			if b.txs[id] == nil && b.tops == nil {
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
		for h, r := range b.in {
			for _, txs := range b.txs {
				if other := txs[0].cell; must(r.PeekRef(1)).HashKey() != other.HashKey() && must(must(r.BeginParse()).LoadUInt(3)) == 0 {
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
		for h, r := range b.out {
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
		for k, e := range b.base.queue {
			if r != nil && k.msg == h {
				b.state.queue[k] = e
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
	{"money from nowhere", RuleFlow, inShards(func(b *toyBlock) { b.flow.from++ }), nil},
	{"money to nowhere", RuleFlow, inShards(func(b *toyBlock) { b.flow.exported++; b.flow.from++ }), nil},
	{"fees that are not listed", RuleFlow, inShards(func(b *toyBlock) { b.flow.fees++; b.flow.from++ }), nil},
	{"a balance that is not the sum", RuleFlow, inShards(func(b *toyBlock) { b.flow.to++; b.flow.from++ }), nil},
	{"fees forgotten", RuleFees, inShards(func(b *toyBlock) { b.state.fees-- }), nil},
	{"a message lost in a queue", RuleDelivery, func(_ *toy, b *toyBlock) bool { return dequeue(b) }, []Rule{RuleDequeue}},
	{"a message delivered twice", RuleDelivery, unmark, []Rule{RuleProcessed}},
}

var masterFaults = []fault{
	{"another start of a shard block", RuleShards, inMaster(func(b *toyBlock) { newest(b).startLT++ }), nil},
	{"other fees of a shard", RuleShards, inMaster(func(b *toyBlock) { d := newest(b); d.created = coins(nano(1)); d.wantMerge = !d.wantMerge }), nil},
	{"a shard block registered before", RuleShards, inMaster(func(b *toyBlock) { newest(b).registered-- }), nil},
	{"a plan nobody wants", RuleAnnounced, func(c *toy, b *toyBlock) bool {
		for _, d := range b.tops {
			if d.shard.length() == 3 && d.plan == (plan{}) {
				d.plan = plan{split: true, since: b.utime, interval: 10}
				return true
			}
		}
		return false
	}, nil},
	{"fees of shards not listed", RuleShardFees, inMaster(func(b *toyBlock) {
		b.noFees = true
		b.flow.fees -= b.flow.feesImported
		b.state.fees -= b.flow.feesImported
		b.flow.feesImported = 0
	}), nil},
	{"more coins than there are", RuleMasterState, inMaster(func(b *toyBlock) { b.supply++ }), nil},
	{"a block left out of the log", RuleMasterState, inMaster(func(b *toyBlock) { b.state.log = b.base.log }), nil},
	{"another last key block", RuleKeyLog, func(c *toy, b *toyBlock) bool { b.lastKey = &c.line[0]; return b.tops != nil }, nil},
	{"a library nobody published", RuleLibraries, inMaster(func(b *toyBlock) {
		lib := cell.BeginCell().MustStoreUInt(1, 8).EndCell()
		who := cell.NewDict(256)
		if err := errors.Join(who.Set(idCell(hash{1}), cell.BeginCell().EndCell())); err != nil {
			panic(err)
		}
		b.state.libraries = cell.NewDict(256)
		value := cell.BeginCell().MustStoreUInt(0, 2).MustStoreRef(lib).MustStoreBuilder(who.AsCell().ToBuilder()).EndCell()
		if err := b.state.libraries.Set(idCell(lib.HashKey()), value); err != nil {
			panic(err)
		}
	}), nil},
}

// dequeue takes out a message as if a neighbour had taken it.
func dequeue(b *toyBlock) bool {
	for k, e := range b.state.queue {
		if _, old := b.base.queue[k]; old && b.out[k.msg] == nil && b.tops == nil {
			delete(b.state.queue, k)
			b.out[k.msg] = record(0b1100, 4, e.cell).MustStoreUInt(1, 63).EndCell()
			return true
		}
	}
	return false
}

// unmark forgets to mark what came from a neighbour.
func unmark(_ *toy, b *toyBlock) bool {
	h, r := recorded(b, b.in, 0b100, 3)
	if r == nil || b.out[h] != nil {
		return false
	}
	b.state.processed = b.base.processed
	b.minRef = min(b.masterSeqno(), b.state.processed.oldestMaster())
	return true
}

// leaves tells whether messages to this shard wait in the queues it reads.
func leaves(c *toy, b *toyBlock) bool {
	for _, n := range b.neighbours {
		for k, e := range n.queue {
			if b.shard.contains(k.next) && b.in[k.msg] == nil && !b.base.processed.has(e, c.endLT(b)) {
				return true
			}
		}
	}
	return false
}

func TestAudit_NoticesEveryFault(t *testing.T) {
	t.Parallel()
	seen := map[Rule]bool{RuleParse: true, RuleOrder: true} // tested below
	for _, f := range slices.Concat(headerFaults, contentFaults, masterFaults) {
		seen[f.rule] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := newToy(t, 7, 3)
			c.rounds(12)
			spoiled := false
			c.fault = func(b *toyBlock) {
				if !spoiled {
					spoiled = f.spoil(c, b)
				}
			}
			for range 40 {
				c.round()
				if spoiled && !slices.Contains(f.waive, RuleProcessed) {
					break
				}
			}
			require.True(t, spoiled, "the fault found its block")
			var v *Violation
			require.ErrorAs(t, c.audit(Waive(f.waive...)), &v)
			require.Equal(t, f.rule, v.Rule, v.Error())
		})
	}
	require.ElementsMatch(t, allRules, slices.Collect(maps.Keys(seen)), "every rule can fail")
}

var allRules = []Rule{RuleParse, RuleMasterRef, RulePrevious, RuleUpdate, RuleHeader, RuleTime, RuleValidators, RuleCatchain, RuleKeyBlock, RuleLayout,
	RuleState, RuleMinRef, RuleHistory, RuleAccounts, RuleTransactions, RuleInbound, RuleOutbound, RuleImport, RuleQueue, RuleDequeue, RuleProcessed,
	RuleFlow, RuleFees, RuleShards, RuleAnnounced, RuleShardFees, RuleMasterState, RuleKeyLog, RuleLibraries, RuleDelivery, RuleOrder}
