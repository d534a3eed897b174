package localnet

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// keyBlock is the seqno of the only key block: the first, which carries the config.
const keyBlock = 1

// masterBlock makes the masterchain block that commits to the shard blocks made
// since the last one.
func (c *Chain) masterBlock(utime uint32) (*block, error) {
	d, err := c.newDraft(c.master.last(), nil, c.nextLT(), utime)
	if err != nil {
		return nil, err
	}
	s, err := c.newSeal(c.master, d, nil)
	if err != nil {
		return nil, err
	}
	s.key, s.top = s.seqno() == keyBlock, c.shard.last()
	for i := len(c.shard.blocks) - 1; c.shard.blocks[i] != s.previous.top; i-- {
		s.imported.Add(s.imported, c.shard.blocks[i].fees)
	}
	if err = s.commit(); err != nil {
		return nil, fmt.Errorf("commit to shard block %d: %w", s.top.id.SeqNo, err)
	}
	b, err := s.block()
	if err != nil {
		return nil, err
	}
	if b.signature, err = sign(c.keys.validator, b.id); err != nil {
		return nil, err
	}
	c.master.append(b, d)
	return b, nil
}

// commit fills in what only masterchain blocks have.
func (s *seal) commit() error {
	shards, err := s.shardHashes()
	if err != nil {
		return err
	}
	var old tlb.McStateExtra
	if err = tlb.Parse(&old, s.old.McStateExtra); err != nil {
		return err
	}
	if s.stateExtra, err = s.masterState(old, shards); err != nil {
		return err
	}
	s.blockExtra, err = s.masterExtra(shards)
	return err
}

// shardHashes names the newest shard block: workchain to a tree of one leaf.
func (s *seal) shardHashes() (*cell.Dictionary, error) {
	desc := tlb.ShardDesc{SeqNo: s.top.id.SeqNo, RegMcSeqno: s.seqno(), StartLT: s.top.startLT, EndLT: s.top.endLT,
		RootHash: s.top.id.RootHash, FileHash: s.top.id.FileHash, NextValidatorShard: fullShard,
		MinRefMcSeqNo: s.previous.id.SeqNo, GenUTime: s.top.utime, SplitMergeAt: tlb.FutureSplitMergeNone{}}
	desc.Currencies.FeesCollected, desc.Currencies.FundsCreated = currencies(s.imported), currencies(new(big.Int))
	c, err := tlb.ToCell(desc)
	if err != nil {
		return nil, err
	}
	leaf := cell.BeginCell().MustStoreBoolBit(false).MustStoreBuilder(c.ToBuilder()).EndCell()
	shards := cell.NewDict(32)
	return shards, shards.SetIntKey(new(big.Int), cell.BeginCell().MustStoreRef(leaf).EndCell())
}

// masterState is the masterchain's part of its state. Config and the log of
// blocks are taken from the old state, so that its update can leave them out.
func (s *seal) masterState(old tlb.McStateExtra, shards *cell.Dictionary) (*cell.Cell, error) {
	log, err := loadBlockLog(old.Info)
	if err != nil {
		return nil, fmt.Errorf("parse the log of blocks: %w", err)
	}
	ref := s.previous.ref()
	entry, err := tlb.ToCell(tlb.KeyExtBlkRef{IsKey: s.previous.key, BlkRef: ref})
	if err != nil {
		return nil, err
	}
	if err = log.SetIntKey(big.NewInt(int64(ref.SeqNo)), entry); err != nil {
		return nil, err
	}
	info := tlb.McStateExtraBlockInfo{ValidatorInfo: tlb.ValidatorInfo{ValidatorListHashShort: s.chain.keys.validatorSet},
		PrevBlocks: &tlb.OldMcBlocksInfoAugDict{AugmentedDictionary: log}, AfterKeyBlock: s.key}
	if blocks := s.chain.master.blocks; len(blocks) > keyBlock {
		last := blocks[keyBlock].ref()
		info.LastKeyBlock = &last
	}
	infoCell, err := info.ToCell()
	if err != nil {
		return nil, err
	}
	return tlb.ToCell(tlb.McStateExtra{ShardHashes: shards, ConfigParams: old.ConfigParams, Info: infoCell, GlobalBalance: old.GlobalBalance})
}

// masterExtra is masterchain_block_extra#cca5 key_block shard_hashes shard_fees
// ^[prev_blk_signatures recover_create_msg mint_msg] config.
func (s *seal) masterExtra(shards *cell.Dictionary) (*cell.Cell, error) {
	fees, err := tlb.NewShardFeesAugDict()
	if err != nil {
		return nil, err
	}
	if s.imported.Sign() > 0 {
		value, err := storeCurrencies(cell.BeginCell(), s.imported, new(big.Int))
		if err != nil {
			return nil, err
		}
		key := cell.BeginCell().MustStoreInt(0, 32).MustStoreInt(fullShard, 64).EndCell()
		if err = fees.Set(key, value.EndCell()); err != nil {
			return nil, err
		}
	}
	feesCell, err := fees.ToCell()
	if err != nil {
		return nil, err
	}
	b := cell.BeginCell().MustStoreUInt(0xcca5, 16).MustStoreBoolBit(s.key).MustStoreDict(shards)
	if err = b.StoreBuilder(feesCell.ToBuilder()); err != nil {
		return nil, err
	}
	b.MustStoreRef(cell.BeginCell().MustStoreUInt(0, 3).EndCell())
	if s.key {
		id := configAddress()
		b.MustStoreSlice(id[:], 256).MustStoreRef(s.chain.config.Root())
	}
	return b.EndCell(), nil
}

// sign is a validator's signature under a block.
func sign(key ed25519.PrivateKey, id *ton.BlockIDExt) ([]byte, error) {
	message, err := tl.Serialize(ton.BlockID{RootHash: id.RootHash, FileHash: id.FileHash}, true)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(key, message), nil
}

// blockLog is the augmentation of OldMcBlocksInfo: the state's dictionary of all
// masterchain blocks, each branch telling whether a key block is below it and
// the highest lt.
type blockLog struct{}

func loadBlockLog(info *cell.Cell) (*cell.AugmentedDictionary, error) {
	s, err := info.BeginParse()
	if err != nil {
		return nil, err
	}
	if _, err = s.LoadSlice(16 + 65); err != nil { // flags, validator_info
		return nil, err
	}
	return s.LoadAugDict(32, blockLog{}, false)
}

func (blockLog) SkipExtra(s *cell.Slice) error {
	_, err := s.LoadSlice(65)
	return err
}

func (blockLog) EmptyExtra() (*cell.Cell, error) { return keyMaxLT(false, 0), nil }

func (blockLog) LeafExtra(value *cell.Slice) (*cell.Cell, error) {
	return blockLog{}.CombineExtra(value.Copy(), keyMaxLT(false, 0).MustBeginParse())
}

func (blockLog) CombineExtra(left, right *cell.Slice) (*cell.Cell, error) {
	leftKey, err1 := left.LoadBoolBit()
	leftLT, err2 := left.LoadUInt(64)
	rightKey, err3 := right.LoadBoolBit()
	rightLT, err4 := right.LoadUInt(64)
	return keyMaxLT(leftKey || rightKey, max(leftLT, rightLT)), errors.Join(err1, err2, err3, err4)
}

func keyMaxLT(key bool, lt uint64) *cell.Cell {
	return cell.BeginCell().MustStoreBoolBit(key).MustStoreUInt(lt, 64).EndCell()
}
