package localnet

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// base is what a block begins from: the block before it, half of one that split,
// or the two that merge.
type base struct {
	shard    shardID
	previous []*block // one, or the left and the right of two
	accounts *tlb.ShardAccountsAugDict
	stats    stats
	queue    letters
	marks    marks
	fees     *big.Int // validator fees so far
	flags    flags    // afterSplit, afterMerge
	twin     *neighbour
}

// catchain is gen_catchain_seqno of the block.
func (b *base) catchain() uint32 {
	if b.flags.afterMerge {
		return max(b.previous[0].catchain, b.previous[1].catchain) + 1
	}
	return b.previous[0].catchain
}

func (b *base) seqno() uint32 {
	seqno := uint32(0)
	for _, p := range b.previous {
		seqno = max(seqno, p.id.SeqNo)
	}
	return seqno + 1
}

// state is the state that the block's update starts from.
func (b *base) state() *cell.Cell {
	if len(b.previous) == 1 {
		return b.previous[0].state
	}
	// split_state#5f327da5 left right
	return cell.BeginCell().MustStoreUInt(0x5f327da5, 32).MustStoreRef(b.previous[0].state).MustStoreRef(b.previous[1].state).EndCell()
}

func after(b *block, l stats) *base {
	return &base{shard: b.shard, previous: []*block{b}, accounts: b.accounts, stats: l, queue: b.queue, marks: b.marks, fees: b.validatorFees}
}

// half is one half of a shard whose last block said that it would split.
func half(b *block, right bool, l stats) (*base, error) {
	shard := b.shard.child(right)
	accounts, err := cut(b.accounts, shard)
	if err != nil {
		return nil, err
	}
	share := new(big.Int).Rsh(b.validatorFees, 1)
	if right {
		share.Sub(b.validatorFees, share)
	}
	own := func(s shardID) letters { return b.queue.filter(func(l letter) bool { return s.contains(l.current()) }) }
	twin := shard.sibling()
	return &base{shard: shard, previous: []*block{b}, accounts: accounts, stats: l.of(shard), queue: own(shard), marks: b.marks.half(shard),
		fees: share, flags: flags{afterSplit: true}, twin: &neighbour{twin, own(twin), b.marks.half(twin), b.endLT}}, nil
}

// cut is the part of a dictionary of accounts that belongs to a shard.
func cut(accounts *tlb.ShardAccountsAugDict, shard shardID) (*tlb.ShardAccountsAugDict, error) {
	part := &tlb.ShardAccountsAugDict{AugmentedDictionary: accounts.Copy()}
	if _, err := part.CutPrefixSubdict(shard.key(), false); err != nil {
		return nil, fmt.Errorf("cut the accounts of shard %s: %w", shard, err)
	}
	return part, nil
}

// join is the base of the block that merges two shards.
func join(left, right *block, l stats) (*base, error) {
	accounts, err := combine(left.accounts, right.accounts)
	if err != nil {
		return nil, err
	}
	b := &base{shard: left.shard.parent(), previous: []*block{left, right}, accounts: accounts, stats: l,
		fees: new(big.Int).Add(left.validatorFees, right.validatorFees), flags: flags{afterMerge: true}}
	b.queue = append(append(b.queue, left.queue...), right.queue...)
	b.queue.sort()
	b.marks = append(append(b.marks, left.marks...), right.marks...)
	return b, nil
}

func combine(left, right *tlb.ShardAccountsAugDict) (*tlb.ShardAccountsAugDict, error) {
	all := &tlb.ShardAccountsAugDict{AugmentedDictionary: left.Copy()}
	apart, err := all.CombineWith(right.AugmentedDictionary)
	if err != nil || !apart {
		return nil, fmt.Errorf("combine the accounts of two shards (apart: %t): %w", apart, err)
	}
	return all, nil
}

// neighbour is a shard as others see it: its queue and how far it has read theirs.
type neighbour struct {
	shard shardID
	queue letters
	marks marks
	endLT uint64
}

func (b *block) neighbour() neighbour { return neighbour{b.shard, b.queue, b.marks, b.endLT} }

// neighbours are all shards but the base's own, as a masterchain block names
// them; tops are its shard blocks.
func (b *base) neighbours(master *block, tops []*top) (all []neighbour) {
	if b.twin != nil {
		all = append(all, *b.twin)
	}
	if b.shard.workchain != masterchainID {
		all = append(all, master.neighbour())
	}
	for _, t := range tops {
		if s := t.block.shard; !s.covers(b.shard) && !b.shard.covers(s) {
			all = append(all, t.block.neighbour())
		}
	}
	return all
}
