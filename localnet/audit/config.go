package audit

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// config is the blockchain config of one masterchain state.
type config struct {
	root *cell.Cell
}

func (c config) param(id int64) (*cell.Slice, error) {
	value, err := c.root.AsDict(32).LoadValueByIntKey(big.NewInt(id))
	if err != nil {
		return nil, fmt.Errorf("config parameter %d: %w", id, err)
	}
	return value.LoadRef()
}

// version is the global version, of parameter 8.
func (c config) version() (uint32, error) {
	s, err := c.param(8)
	if err != nil {
		return 0, err
	}
	var v tlb.GlobalVersion
	err = tlb.LoadFromCell(&v, s)
	return v.Version, err
}

// blockReward of a shard's block, of parameter 14: block_grams_created#6b
// masterchain_block_fee basechain_block_fee; each split halves it.
func (c config) blockReward(s shard) (*big.Int, error) {
	p, err := c.param(14)
	if err != nil {
		return nil, err
	}
	err1 := p.SkipBits(8)
	master, err2 := p.LoadBigCoins()
	base, err3 := p.LoadBigCoins()
	if err = errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	switch s.workchain {
	case masterchain:
		return master, nil
	case 0:
		return base.Rsh(base, uint(s.length())), nil
	}
	return new(big.Int), nil
}

// burns tells whether the config burns fees (parameter 5).
func (c config) burns() bool {
	_, err := c.param(5)
	return err == nil
}

// workchain is the description of a workchain, of parameter 12.
func (c config) workchain(id int32) (*tlb.WorkchainDescrFields, error) {
	p, err := c.param(12)
	if err != nil {
		return nil, err
	}
	var all tlb.WorkchainsConfig
	if err = tlb.LoadFromCell(&all, p); err != nil {
		return nil, err
	}
	value, err := all.Workchains.LoadValueByIntKey(big.NewInt(int64(id)))
	if err != nil {
		return nil, fmt.Errorf("workchain %d: %w", id, err)
	}
	tag, err := value.PreloadUInt(8)
	if err != nil {
		return nil, err
	}
	if tag == 0xa6 {
		var w tlb.WorkchainDescrV1
		err = tlb.LoadFromCell(&w, value)
		return &w.WorkchainDescrFields, err
	}
	var w tlb.WorkchainDescrV2
	err = tlb.LoadFromCell(&w, value)
	return &w.WorkchainDescrFields, err
}

// validatorsHash is gen_validator_list_hash_short of a shard's blocks: crc32c of
// the TL-serialised set, its catchain_seqno written as 0
// (compute_validator_set_hash(0, ...)). In shards every validator has weight 1
// (do_compute_validator_set of the reference node). It is known only where the
// whole set makes every block, that is, for a set of one.
func (c config) validatorsHash(s shard) (sum uint32, known bool, err error) {
	p, err := c.param(34)
	if err != nil {
		return 0, false, err
	}
	var set tlb.ValidatorSetExt
	if err = tlb.LoadFromCell(&set, p); err != nil {
		return 0, false, err
	}
	items, err := set.List.LoadAll()
	if err != nil || len(items) != 1 {
		return 0, false, err
	}
	var v tlb.ValidatorAddr
	if err = tlb.LoadFromCell(&v, items[0].Value); err != nil {
		return 0, false, err
	}
	if s.workchain != masterchain {
		v.Weight = 1
	}
	raw, err := tl.Serialize(ton.ValidatorSetHashable{Validators: []ton.ValidatorItemHashable{{Key: v.PublicKey.Key, Weight: v.Weight, Addr: v.ADNLAddr}}}, true)
	return crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli)), true, err
}

// transitFee is the part of a remaining fee that a shard in between collects:
// next_frac of msg_forward_prices#ea, of parameter 24 or 25, in 1/65536.
func (c config) transitFee(s shard, remaining *big.Int) (*big.Int, error) {
	id := int64(25)
	if s.workchain == masterchain {
		id = 24
	}
	p, err := c.param(id)
	if err != nil {
		return nil, err
	}
	if err = p.SkipBits(8 + 3*64 + 32 + 16); err != nil {
		return nil, err
	}
	share, err := p.LoadUInt(16)
	if err != nil {
		return nil, err
	}
	fee := new(big.Int).Mul(remaining, new(big.Int).SetUint64(share))
	return fee.Rsh(fee, 16), nil
}
