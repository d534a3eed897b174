package audit

import (
	"bytes"
	"cmp"
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

// ordered are the keys of a map, so that a fault finds the same each time.
func ordered[K ~[32]byte, V any](m map[K]V) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return bytes.Compare(a[:], b[:]) })
}

func orderedQueue(q map[queueKey]toyEntry) []queueKey {
	return slices.SortedFunc(maps.Keys(q), func(a, b queueKey) int { return bytes.Compare(keyOf(a), keyOf(b)) })
}

func orderedTops(tops map[shard]*descr) (all []*descr) {
	for _, s := range slices.SortedFunc(maps.Keys(tops), func(a, b shard) int { return cmp.Compare(a.prefix, b.prefix) }) {
		all = append(all, tops[s])
	}
	return all
}

// newest is the description of some shard registered anew.
func newest(b *toyBlock) *descr {
	for _, d := range orderedTops(b.tops) {
		if d.registered == b.seqno {
			return d
		}
	}
	return nil
}

// recorded finds the record of some message: by its first bits, in a shard's block.
func recorded(b *toyBlock, records map[hash]*cell.Cell, tag uint64, bits uint) (hash, *cell.Cell) {
	for _, h := range ordered(records) {
		r := records[h]
		if got, err := must(r.BeginParse()).LoadUInt(bits); b.tops == nil && err == nil && got == tag {
			return h, r
		}
	}
	return hash{}, nil
}

func ownEntry(b *toyBlock, h hash) (queueKey, bool) {
	for _, k := range orderedQueue(b.state.queue) {
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
	for _, id := range ordered(b.txs) {
		txs := b.txs[id]
		tx := &txs[len(txs)-1]
		change(tx)
		tx.cell = tx.build(address{b.shard.workchain, id})
		signed(b, id, tx)
		return true
	}
	return false
}

// dequeue takes out a message to the masterchain as if that had taken it. (What
// goes to shards may have been taken in this very round.)
func dequeue(b *toyBlock) bool {
	for _, k := range orderedQueue(b.state.queue) {
		e := b.state.queue[k]
		if _, old := b.base.queue[k]; old && k.next.workchain == masterchain && b.out[k.msg] == nil && b.tops == nil {
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

// requireNoticed spoils one block of a chain, which shrinks after a while, and
// ends the chain there, or a little later where the harm comes later.
func requireNoticed(t *testing.T, c *toy, f fault, rounds int) {
	t.Helper()
	spoiled, later := false, 0
	c.fault = func(b *toyBlock) {
		if !spoiled && c.master.seqno > 10 {
			spoiled = f.spoil(c, b)
		}
	}
	for i := 0; i < rounds && (!spoiled || later < 3*len(f.waive)); i++ {
		c.shrink = i > 40
		c.round()
		if spoiled {
			later++
		}
	}
	require.True(t, spoiled, "the fault found its block")
	var v *Violation
	require.ErrorAs(t, c.audit(Waive(f.waive...)), &v)
	require.Equal(t, f.rule, v.Rule, v.Error())
}

func TestAudit_NoticesEveryFault(t *testing.T) {
	t.Parallel()
	seen := map[Rule]bool{RuleParse: true, RuleOrder: true} // tested below
	for _, f := range slices.Concat(headerFaults, contentFaults, masterFaults) {
		seen[f.rule] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			requireNoticed(t, newToy(t, 7, 3), f, 50)
		})
	}
	require.ElementsMatch(t, allRules, slices.Collect(maps.Keys(seen)), "every rule can fail")
}

var allRules = []Rule{RuleParse, RuleMasterRef, RulePrevious, RuleUpdate, RuleHeader, RuleTime, RuleValidators, RuleCatchain, RuleKeyBlock, RuleLayout,
	RuleState, RuleMinRef, RuleHistory, RuleAccounts, RuleTransactions, RuleInbound, RuleOutbound, RuleImport, RuleQueue, RuleDequeue, RuleProcessed,
	RuleFlow, RuleFees, RuleShards, RuleAnnounced, RuleShardFees, RuleMasterState, RuleKeyLog, RuleLibraries, RuleDelivery, RuleOrder}
