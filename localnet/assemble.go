package localnet

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func (s *seal) header() tlb.BlockHeader {
	var h tlb.BlockHeader
	h.NotMaster, h.Flags = s.master != nil, 1
	h.AfterSplit, h.AfterMerge = s.flags.afterSplit, s.flags.afterMerge
	h.BeforeSplit, h.WantSplit, h.WantMerge = s.want.beforeSplit, s.want.wantSplit, s.want.wantMerge
	h.SeqNo, h.Shard = s.seqno(), s.shard.ident()
	h.GenCatchainSeqno = s.catchain()
	h.GenUtime, h.StartLt, h.EndLt = s.utime, s.startLT, s.endLT
	h.GenValidatorListHashShort, h.MinRefMcSeqno = s.chain.keys.shardSet, s.minRef()
	h.GenSoftware = &tlb.GlobalVersion{Version: s.rules.config.GlobalVersion(), Capabilities: s.rules.config.Capabilities()}
	parent := s.master
	if s.commit != nil {
		h.KeyBlock, parent, h.GenValidatorListHashShort = s.commit.key, s.previous[0], s.chain.keys.masterSet
	} else {
		ref := s.master.ref()
		h.MasterRef = &ref
	}
	h.PrevKeyBlockSeqno = parent.keySeqno()
	h.PrevRef = tlb.BlkPrevInfo{Prev1: s.previous[0].ref()}
	if len(s.previous) > 1 {
		right := s.previous[1].ref()
		h.PrevRef.Prev2 = &right
	}
	return h
}

// keySeqno is the newest key block as of a masterchain block, 0 before the first.
func (b *block) keySeqno() uint32 {
	switch {
	case b.key:
		return b.id.SeqNo
	case b.lastKey != nil:
		return b.lastKey.SeqNo
	}
	return 0
}

// assemble puts the block together.
func (s *seal) assemble(update *cell.Cell) (*cell.Cell, error) {
	header, err := tlb.ToCell(s.header())
	if err != nil {
		return nil, fmt.Errorf("block header: %w", err)
	}
	value, err := s.flow.cell()
	if err != nil {
		return nil, fmt.Errorf("value flow: %w", err)
	}
	// block_extra in_msg_descr out_msg_descr account_blocks rand_seed created_by custom
	extra := cell.BeginCell().MustStoreUInt(0x4a33f6fd, 32)
	for _, part := range s.parts {
		extra.MustStoreRef(part)
	}
	extra.MustStoreSlice(s.seed, 256).MustStoreSlice(s.chain.keys.validator.Public().(ed25519.PublicKey), 256)
	if err = extra.StoreMaybeRef(s.blockExtra); err != nil {
		return nil, err
	}
	// block#11ef55aa global_id info value_flow state_update extra
	return cell.BeginCell().MustStoreUInt(0x11ef55aa, 32).MustStoreInt(int64(s.chain.cfg.GlobalID), 32).
		MustStoreRef(header).MustStoreRef(value).MustStoreRef(update).MustStoreRef(extra.EndCell()).EndCell(), nil
}

var errUpdate = errors.New("the state update does not lead to the new state")

// finish reads the block back as any node would and takes the new state from its
// update. That also lets go of the usage tree, which cells made from a traced
// state would keep alive.
func (s *seal) finish(root *cell.Cell, stateHash []byte) (*block, error) {
	b, err := readBack(root.ToBOC(), s.shard, s.seqno(), s.state)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b.state.Hash(), stateHash) {
		return nil, errUpdate
	}
	b.startLT, b.endLT, b.utime, b.minRef, b.txs = s.startLT, s.endLT, s.utime, s.minRef(), s.sorted()
	b.fees, b.validatorFees, b.queue, b.marks, b.commitment = s.flow.fees, s.validatorFees(), s.after(), s.reach(), s.commit
	b.load, b.catchain = s.load, s.catchain()
	b.made, b.flags = new(big.Int).Sub(s.minted, s.burned), s.want
	b.flags.afterSplit, b.flags.afterMerge = s.flags.afterSplit, s.flags.afterMerge
	return b, nil
}

// readBack reads a block out of its bytes and applies its update to a state.
func readBack(boc []byte, shard shardID, seqno uint32, before *cell.Cell) (*block, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("read the block back: %w", err)
	}
	state, _, err := cell.ApplyMerkleUpdate(before, root.MustPeekRef(2))
	if err != nil {
		return nil, fmt.Errorf("apply the state update: %w", err)
	}
	var parsed tlb.ShardStateUnsplit
	if err = tlb.Parse(&parsed, state); err != nil {
		return nil, fmt.Errorf("parse the new state: %w", err)
	}
	return &block{shard: shard, id: newID(shard, seqno, root, boc), root: root, boc: boc, state: state, accounts: parsed.Accounts.ShardAccounts}, nil
}
