package audit

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// borderFaults concern what goes where when shards split and merge.
var borderFaults = []fault{
	{"an account of the sibling", RuleParse, func(c *toy, b *toyBlock) bool {
		for _, a := range c.people {
			if s := b.shard; b.afterSplit && s.sibling().contains(a.place()) {
				account := toyAccount{nano: toyCoins}
				account.cell = accountCell(a, account)
				b.state.accounts[a.id] = account
				return true
			}
		}
		return false
	}, nil},
	{"a message of the sibling", RuleParse, func(_ *toy, b *toyBlock) bool {
		if b.afterSplit {
			for _, k := range orderedQueue(b.prev[0].queue) {
				if e := b.prev[0].queue[k]; !b.shard.contains(e.at()) {
					b.state.queue[k] = e
					return true
				}
			}
		}
		return false
	}, nil},
	{"a message under another key", RuleParse, func(_ *toy, b *toyBlock) bool {
		for _, k := range orderedQueue(b.state.queue) {
			e := b.state.queue[k]
			delete(b.state.queue, k)
			k.next.prefix ^= 1
			b.state.queue[k] = e
			return true
		}
		return false
	}, nil},
	{"a mark of the parent", RuleParse, func(_ *toy, b *toyBlock) bool {
		if !b.afterSplit || len(b.prev[0].processed.marks) == 0 {
			return false
		}
		b.state.processed = b.prev[0].processed
		return true
	}, nil},
	{"a split that loses a message", RuleQueue, func(_ *toy, b *toyBlock) bool { return b.afterSplit && lose(b) }, nil},
	{"a merge that loses a message", RuleQueue, func(_ *toy, b *toyBlock) bool { return b.afterMerge && lose(b) }, nil},
	{"a merge that leaves what was delivered", RuleDequeue, func(_ *toy, b *toyBlock) bool {
		h, r := recorded(b, b.out, 0b1100, 4)
		for _, k := range orderedQueue(b.base.queue) {
			if r != nil && k.msg == h && b.afterMerge {
				delete(b.out, h)
				b.state.queue[k] = b.base.queue[k]
				return true
			}
		}
		return false
	}, nil},
	{"fees that do not halve", RuleFees, func(_ *toy, b *toyBlock) bool {
		if b.afterSplit {
			b.state.fees += b.prev[0].fees - b.base.fees
		}
		return b.afterSplit && b.prev[0].fees != b.base.fees
	}, nil},
	{"a merge that forgets a mark", RuleProcessed, func(_ *toy, b *toyBlock) bool {
		if !b.afterMerge || len(b.base.processed.marks) < 2 {
			return false
		}
		b.state.processed.marks = b.base.processed.marks[:1]
		b.minRef = min(b.masterSeqno(), b.state.processed.oldestMaster())
		return true
	}, nil},
	{"histories kept over a split", RuleHistory, func(_ *toy, b *toyBlock) bool {
		if b.afterSplit {
			b.state.over |= 1 << 5
		}
		return b.afterSplit
	}, nil},
	{"a split of another parent", RulePrevious, func(_ *toy, b *toyBlock) bool {
		if b.afterSplit {
			previous(b, func(p *toyState) { p.file[0] ^= 1 })
		}
		return b.afterSplit
	}, nil},
	{"halves merged the wrong way round", RulePrevious, func(_ *toy, b *toyBlock) bool {
		if b.afterMerge {
			b.prev = []*toyState{b.prev[1], b.prev[0]}
		}
		return b.afterMerge
	}, nil},
}

// lose drops a message that waited before.
func lose(b *toyBlock) bool {
	for _, k := range orderedQueue(b.state.queue) {
		if _, old := b.base.queue[k]; old {
			delete(b.state.queue, k)
			return true
		}
	}
	return false
}

func TestAudit_NoticesFaultsOfSplitsAndMerges(t *testing.T) {
	t.Parallel()
	for _, f := range borderFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			requireNoticed(t, newToy(t, 2, 0), f, 120)
		})
	}
}

// An unregistered block cannot be found by walking back from the head; whoever
// feeds blocks by hand is told.
func TestAdd_WantsShardHashesToNameTheNewest(t *testing.T) {
	t.Parallel()
	c := newToy(t, 2, 0)
	c.rounds(3)
	c.orphan = new(ref)
	c.round()
	require.NoError(t, c.audit())
	f := &follower{fetch: c.fetch, known: map[hash]bool{}}
	line, err := f.line(c.master.id())
	require.NoError(t, err)
	zero, err := f.zerostates(line[0])
	require.NoError(t, err)
	a, err := New(zero)
	require.NoError(t, err)
	for i, master := range line[1:] {
		shards, err := f.under(master)
		require.NoError(t, err)
		if i+2 < len(line) {
			require.NoError(t, a.Add(master, shards))
			continue
		}
		shards, err = f.collect(c.orphan.id(), slices.Clone(shards))
		require.NoError(t, err)
		var v *Violation
		require.ErrorAs(t, a.Add(master, shards), &v)
		require.Equal(t, RuleShards, v.Rule)
	}
}
