package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// restorer builds blocks out of their bytes, in the order in which they were made.
type restorer struct {
	chain *Chain
	history
	head *block
}

// zerostate restores block 0 of a workchain.
func (r *restorer) zerostate(boc []byte) (*block, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("zerostate: %w", err)
	}
	var state tlb.ShardStateUnsplit
	if err = tlb.Parse(&state, root); err != nil {
		return nil, fmt.Errorf("zerostate: %w", err)
	}
	if state.GlobalID != r.chain.cfg.GlobalID {
		return nil, fmt.Errorf("the chain was made with global id %d, not %d", state.GlobalID, r.chain.cfg.GlobalID)
	}
	shard := shardID{state.ShardIdent.WorkchainID, 1 << 63}
	b := &block{shard: shard, id: newID(shard, 0, root, boc), boc: boc, state: root, accounts: state.Accounts.ShardAccounts, utime: state.GenUTime,
		minRef: noRef, fees: new(big.Int), validatorFees: new(big.Int), made: new(big.Int)}
	r.history = r.with(b)
	if shard != wholeMasterchain {
		return b, nil
	}
	base := r.find(wholeBasechain, 0)
	if base == nil {
		return nil, errRecord
	}
	b.commitment = &commitment{key: true, tops: []*top{{block: base, fees: new(big.Int), made: new(big.Int)}}}
	r.head = b
	b.rules, err = r.rules(&state)
	return b, err
}

// round restores the blocks of a round, the masterchain's last, and grows by them.
func (r *restorer) round(blocks [][]byte, signature []byte) error {
	for _, boc := range blocks {
		b, err := r.block(boc, nil)
		if err != nil {
			return err
		}
		if b.shard == wholeMasterchain {
			b.signature = signature
		}
	}
	return r.seal()
}

// checkpoint restores newest blocks with their states.
func (r *restorer) checkpoint(parts [][]byte) error {
	for ; len(parts) > 1; parts = parts[2:] {
		state, err := cell.FromBOC(parts[1])
		if err != nil {
			return fmt.Errorf("state of a checkpoint: %w", err)
		}
		if _, err = r.block(parts[0], state); err != nil {
			return err
		}
	}
	if len(parts) != 1 {
		return errRecord
	}
	r.head.signature = parts[0]
	return r.seal()
}

// seal lets the blocks since the last masterchain block come under the new one.
func (r *restorer) seal() error {
	if r.head.rules == nil { // made by block
		return errRecord
	}
	for shard, list := range r.history {
		for i := len(list) - 1; i >= 0 && list[i].master == 0 && list[i].root != nil; i-- {
			if list[i].master = r.head.id.SeqNo; shard == wholeMasterchain {
				break
			}
		}
	}
	return nil
}

// block restores one block. Its state is computed from the blocks before it, or
// given.
func (r *restorer) block(boc []byte, state *cell.Cell) (*block, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	var parsed tlb.Block
	if err = tlb.Parse(&parsed, root); err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	h := &parsed.BlockInfo
	shard := shardID{h.Shard.WorkchainID, h.Shard.ShardPrefix | 1<<(63-uint(h.Shard.PrefixBits))}
	var b *block
	if state == nil {
		before, err := r.stateBefore(shard, h)
		if err != nil {
			return nil, fmt.Errorf("block %d of shard %s: %w", h.SeqNo, shard, err)
		}
		b, err = readBack(boc, shard, h.SeqNo, before)
		if err != nil {
			return nil, fmt.Errorf("block %d of shard %s: %w", h.SeqNo, shard, err)
		}
	} else {
		b = &block{shard: shard, id: newID(shard, h.SeqNo, root, boc), root: root, boc: boc, state: state}
	}
	if err = r.complete(b, &parsed); err != nil {
		return nil, fmt.Errorf("block %d of shard %s: %w", h.SeqNo, shard, err)
	}
	r.history = r.with(b)
	if shard == wholeMasterchain {
		r.head = b
	}
	return b, nil
}

var errMissing = errors.New("the block before it is missing")

// stateBefore is the state that a block's update starts from.
func (r *restorer) stateBefore(shard shardID, h *tlb.BlockHeader) (*cell.Cell, error) {
	find := func(shard shardID, ref *tlb.ExtBlkRef) (*block, error) {
		b := r.find(shard, ref.SeqNo)
		if b == nil || !bytes.Equal(b.id.RootHash, ref.RootHash) {
			return nil, errMissing
		}
		return b, nil
	}
	if h.AfterMerge {
		left, err := find(shard.child(false), &h.PrevRef.Prev1)
		if err != nil {
			return nil, err
		}
		right, err := find(shard.child(true), h.PrevRef.Prev2)
		if err != nil {
			return nil, err
		}
		return (&base{previous: []*block{left, right}}).state(), nil
	}
	if h.AfterSplit {
		shard = shard.parent()
	}
	b, err := find(shard, &h.PrevRef.Prev1)
	if err != nil {
		return nil, err
	}
	return b.state, nil
}
