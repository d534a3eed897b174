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

// firstKey is the seqno of the first key block, which carries the genesis config.
const firstKey = 1

// masterBlock makes the masterchain block that commits to the shard blocks made
// since the last one.
func (c *Chain) masterBlock(r *round) (*block, error) {
	previous := r.before.head
	fresh := r.tops()
	own := after(previous, r.stats[wholeMasterchain])
	d, err := c.newDraft(own, r.setting, r.startLT(wholeMasterchain))
	if err != nil {
		return nil, err
	}
	d.ref = own.seqno()
	d.read(own.neighbours(nil, fresh))
	if err = d.fill(r.messages[wholeMasterchain], r.hands[wholeMasterchain]); err != nil {
		return nil, err
	}
	s, err := d.newSeal(nil)
	if err != nil {
		return nil, err
	}
	if err = s.commitTo(fresh, previous); err != nil {
		return nil, err
	}
	b, err := s.block()
	if err != nil {
		return nil, err
	}
	b.master = b.id.SeqNo
	if b.signature, err = sign(c.keys.validator, b.id); err != nil {
		return nil, err
	}
	r.stats[wholeMasterchain].move(d.touched)
	return b, nil
}

// commitTo fills in what only masterchain blocks have.
func (s *seal) commitTo(tops []*top, previous *block) error {
	var old tlb.McStateExtra
	if err := tlb.Parse(&old, s.old.extra); err != nil {
		return err
	}
	s.commit = &commitment{tops: tops, lastKey: previous.lastKey, rules: s.rules}
	if previous.key {
		ref := previous.ref()
		s.commit.lastKey = &ref
	}
	if err := s.newRules(); err != nil {
		return err
	}
	plan(tops, previous, s.commit.rules, s.utime)
	for _, t := range tops {
		s.imported.Add(s.imported, t.fees)
	}
	shards, err := shardHashes(tops, s.seqno())
	if err != nil {
		return err
	}
	if s.stateExtra, err = s.masterState(old, shards); err != nil {
		return err
	}
	s.blockExtra, err = s.masterExtra(shards)
	return err
}

// masterState is the masterchain's part of its state. Config and the log of
// blocks are taken from the old state, so that its update can leave them out.
func (s *seal) masterState(old tlb.McStateExtra, shards *cell.Dictionary) (*cell.Cell, error) {
	log, err := loadBlockLog(old.Info)
	if err != nil {
		return nil, fmt.Errorf("parse the log of blocks: %w", err)
	}
	ref := s.previous[0].ref()
	entry, err := tlb.ToCell(tlb.KeyExtBlkRef{IsKey: s.previous[0].key, BlkRef: ref})
	if err != nil {
		return nil, err
	}
	if err = log.SetIntKey(big.NewInt(int64(ref.SeqNo)), entry); err != nil {
		return nil, err
	}
	info := tlb.McStateExtraBlockInfo{ValidatorInfo: tlb.ValidatorInfo{ValidatorListHashShort: s.chain.keys.masterSet},
		PrevBlocks: &tlb.OldMcBlocksInfoAugDict{AugmentedDictionary: log}, AfterKeyBlock: s.commit.key, LastKeyBlock: s.commit.lastKey}
	infoCell, err := info.ToCell()
	if err != nil {
		return nil, err
	}
	extra := tlb.McStateExtra{ShardHashes: shards, ConfigParams: old.ConfigParams, Info: infoCell, GlobalBalance: s.globalBalance(old)}
	if s.commit.key && s.seqno() != firstKey {
		extra.ConfigParams.Config.Params = s.commit.rules.config.Root().AsDict(32)
	}
	return tlb.ToCell(extra)
}

// globalBalance is all there is: accounts, messages on their way, fees.
func (s *seal) globalBalance(old tlb.McStateExtra) tlb.CurrencyCollection {
	total := sum(old.GlobalBalance.Coins.Nano(), s.minted)
	total.Sub(total, s.burned)
	for _, t := range s.commit.tops {
		total.Add(total, t.made)
	}
	return currencies(total)
}

// masterExtra is masterchain_block_extra#cca5 key_block shard_hashes shard_fees
// ^[prev_blk_signatures recover_create_msg mint_msg] config.
func (s *seal) masterExtra(shards *cell.Dictionary) (*cell.Cell, error) {
	fees, err := tlb.NewShardFeesAugDict()
	if err != nil {
		return nil, err
	}
	for _, t := range s.commit.tops {
		if t.fees.Sign() == 0 {
			continue
		}
		value, err := storeCurrencies(cell.BeginCell(), t.fees, new(big.Int))
		if err != nil {
			return nil, err
		}
		key := cell.BeginCell().MustStoreInt(int64(t.block.shard.workchain), 32).MustStoreUInt(t.block.shard.prefix, 64).EndCell()
		if err = fees.Set(key, value.EndCell()); err != nil {
			return nil, err
		}
	}
	feesCell, err := fees.ToCell()
	if err != nil {
		return nil, err
	}
	b := cell.BeginCell().MustStoreUInt(0xcca5, 16).MustStoreBoolBit(s.commit.key).MustStoreDict(shards)
	if err = b.StoreBuilder(feesCell.ToBuilder()); err != nil {
		return nil, err
	}
	b.MustStoreRef(cell.BeginCell().MustStoreUInt(0, 3).EndCell())
	if s.commit.key {
		id := configAddress()
		b.MustStoreSlice(id[:], 256).MustStoreRef(s.commit.rules.config.Root())
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
