package localnet

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// top is a shard's newest block as a masterchain block registers it.
type top struct {
	block *block
	fees  *big.Int // collected by the blocks since the last top
	made  *big.Int // minted less burned by hand in them
	// splitAt and mergeAt are the time from which the shard is to split or merge,
	// in unix seconds; 0 where it is not.
	splitAt, mergeAt uint32
	beforeMerge      bool // both halves agreed: the next block merges them
}

// splitMergeInterval is how long an agreed split or merge stays on the table, in
// seconds. Nothing else can be agreed until it is over.
const splitMergeInterval = 1

// newTop registers the blocks that a shard made since its last top.
func newTop(blocks []*block) *top {
	t := &top{block: blocks[len(blocks)-1], fees: new(big.Int), made: new(big.Int)}
	for _, b := range blocks {
		t.fees.Add(t.fees, b.fees)
		t.made.Add(t.made, b.made)
	}
	return t
}

// plan dates splits and merges: of shards that want to, and of those that are not
// as deep as the rules say. A date stands until it is over. Halves that merge get
// the word at the next masterchain block after the date.
func plan(tops []*top, before *block, rules *rules, now uint32) {
	for _, t := range tops {
		depth, f, old := t.block.shard.depth(), t.block.flags, t.before(before)
		switch {
		case f.beforeSplit:
		case old.dated() && now <= old.splitAt+old.mergeAt+splitMergeInterval:
			t.splitAt, t.mergeAt = old.splitAt, old.mergeAt
		case depth < rules.maxSplit && (f.wantSplit || depth < rules.minSplit):
			t.splitAt = now
		}
	}
	for i, left := range tops[:len(tops)-1] {
		right := tops[i+1]
		if left.block.shard.sibling() != right.block.shard || !left.mayMerge(rules) || !right.mayMerge(rules) {
			continue
		}
		word := left.mergeAt > 0 && right.mergeAt > 0
		for _, t := range []*top{left, right} {
			if t.beforeMerge = word; !word {
				t.mergeAt = now
			}
		}
	}
}

func (t *top) mayMerge(rules *rules) bool {
	depth, f := t.block.shard.depth(), t.block.flags
	return t.splitAt == 0 && !f.beforeSplit && depth > rules.minSplit && (f.wantMerge || depth > rules.maxSplit)
}

// before is the shard's top in the last masterchain block, empty where it is new.
func (t *top) before(last *block) *top {
	old := last.topOf(place{t.block.shard.workchain, t.block.shard.prefix})
	if old.block.shard != t.block.shard {
		return &top{}
	}
	return old
}

// dated tells whether a split or a merge is agreed.
func (t *top) dated() bool { return t.splitAt > 0 || t.mergeAt > 0 }

// descr is the top as masterchain blocks tell of it (ShardDescr).
func (t *top) descr(seqno uint32) tlb.ShardDesc {
	b := t.block
	d := tlb.ShardDesc{SeqNo: b.id.SeqNo, RegMcSeqno: seqno, StartLT: b.startLT, EndLT: b.endLT, RootHash: b.id.RootHash, FileHash: b.id.FileHash,
		BeforeSplit: b.flags.beforeSplit, BeforeMerge: t.beforeMerge, WantSplit: b.flags.wantSplit, WantMerge: b.flags.wantMerge,
		NextCatchainSeqNo: b.catchain, NextValidatorShard: int64(b.shard.prefix), MinRefMcSeqNo: b.minRef, GenUTime: b.utime, SplitMergeAt: tlb.FutureSplitMergeNone{}}
	if t.splitAt > 0 {
		d.SplitMergeAt = tlb.FutureSplit{SplitUtime: t.splitAt, Interval: splitMergeInterval}
	} else if t.mergeAt > 0 {
		d.SplitMergeAt = tlb.FutureMerge{MergeUtime: t.mergeAt, Interval: splitMergeInterval}
	}
	d.Currencies.FeesCollected, d.Currencies.FundsCreated = currencies(t.fees), currencies(new(big.Int))
	return d
}

func sortTops(tops []*top) {
	slices.SortFunc(tops, func(a, b *top) int {
		if a.block.shard.prefix < b.block.shard.prefix {
			return -1
		}
		return 1
	})
}

// shardHashes names the newest shard blocks: workchain to a tree of shards.
func shardHashes(tops []*top, seqno uint32) (*cell.Dictionary, error) {
	tree, err := shardTree(wholeBasechain, tops, seqno)
	if err != nil {
		return nil, err
	}
	shards := cell.NewDict(32)
	return shards, shards.SetIntKey(new(big.Int), cell.BeginCell().MustStoreRef(tree).EndCell())
}

// shardTree is the BinTree of ShardDescr under a shard.
func shardTree(s shardID, tops []*top, seqno uint32) (*cell.Cell, error) {
	for _, t := range tops {
		if t.block.shard == s {
			c, err := tlb.ToCell(t.descr(seqno))
			if err != nil {
				return nil, err
			}
			return cell.BeginCell().MustStoreBoolBit(false).MustStoreBuilder(c.ToBuilder()).EndCell(), nil
		}
	}
	if s.depth() == maxShardDepth {
		return nil, fmt.Errorf("no block of shard %s", s)
	}
	left, err := shardTree(s.child(false), tops, seqno)
	if err != nil {
		return nil, err
	}
	right, err := shardTree(s.child(true), tops, seqno)
	if err != nil {
		return nil, err
	}
	return cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(left).MustStoreRef(right).EndCell(), nil
}
