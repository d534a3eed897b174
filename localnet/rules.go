package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/tuple"
)

// rules are what a masterchain block sets for those after it: the config and the
// public libraries.
type rules struct {
	globalID int32
	config   *tvm.PreparedBlockchainConfig
	special  []accountID // that parameter 31 names
	// minSplit and maxSplit bound the depth of shards: the masterchain splits and
	// merges those outside by itself.
	minSplit, maxSplit int
	libraries          *cell.Cell // root of a dictionary of LibDescr; nil where it is empty
}

// newRules refuses a config that blocks could not be made with: one that lacks
// what the executor reads, or that another validator would sign for.
func newRules(globalID int32, params *cell.Cell, validator []byte) (*rules, error) {
	if params == nil {
		return nil, errors.New("the config is empty")
	}
	config, err := tvm.PrepareBlockchainConfig(params)
	if err != nil {
		return nil, fmt.Errorf("prepare the config: %w", err)
	}
	r := &rules{globalID: globalID, config: config}
	if err = r.check(validator); err != nil {
		return nil, err
	}
	var fundamental tlb.FundamentalSmartContractAddresses
	if err = r.param(31, &fundamental); err != nil {
		return nil, err
	}
	items, err := fundamental.Addresses.LoadAll()
	if err != nil {
		return nil, fmt.Errorf("parameter 31: %w", err)
	}
	for _, item := range items {
		id, err := item.Key.LoadSlice(256)
		if err != nil {
			return nil, fmt.Errorf("parameter 31: %w", err)
		}
		r.special = append(r.special, accountID(id))
	}
	return r, nil
}

// check wants every parameter that makes or prices a block, and our validator alone.
func (r *rules) check(validator []byte) error {
	var set tlb.ValidatorSetExt
	for id, into := range map[int64]any{12: new(tlb.WorkchainsConfig), 18: nil, 19: nil, 20: nil, 21: nil, 22: nil, 23: nil, 24: nil, 25: nil, 28: nil, 34: &set} {
		if err := r.param(id, into); err != nil {
			return err
		}
	}
	var workchains tlb.WorkchainsConfig
	if err := r.param(12, &workchains); err != nil {
		return err
	}
	if err := r.checkBasechain(workchains.Workchains); err != nil {
		return fmt.Errorf("parameter 12: %w", err)
	}
	value, err := set.List.LoadValueByIntKey(new(big.Int))
	if err != nil {
		return fmt.Errorf("parameter 34: %w", err)
	}
	var one tlb.ValidatorAddr
	if err = tlb.LoadFromCell(&one, value); err != nil {
		return fmt.Errorf("parameter 34: %w", err)
	}
	if set.Total != 1 || !bytes.Equal(one.PublicKey.Key, validator) {
		return errors.New("parameter 34: another validator than the chain's own would have to sign")
	}
	return nil
}

// checkBasechain wants one workchain, which splits no deeper than the chain can.
func (r *rules) checkBasechain(workchains *cell.Dictionary) error {
	list, err := workchains.LoadAll()
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("there is one workchain, the basechain, not %d", len(list))
	}
	value, err := workchains.LoadValueByIntKey(big.NewInt(int64(basechainID)))
	if err != nil {
		return err
	}
	var base tlb.WorkchainDescrV1
	if err = tlb.LoadFromCell(&base, value); err != nil {
		return err
	}
	r.minSplit, r.maxSplit = int(base.MinSplit), int(base.MaxSplit)
	if r.minSplit > r.maxSplit || r.maxSplit > maxShardDepth {
		return fmt.Errorf("min_split %d and max_split %d: shards are at most %d deep", r.minSplit, r.maxSplit, maxShardDepth)
	}
	return nil
}

// param parses a parameter; into may be nil where it only has to be there.
func (r *rules) param(id int64, into any) error {
	value, err := r.config.Root().AsDict(32).LoadValueByIntKey(big.NewInt(id))
	if err != nil {
		return fmt.Errorf("parameter %d of the config: %w", id, err)
	}
	c, err := value.LoadRefCell()
	if err != nil {
		return fmt.Errorf("parameter %d of the config: %w", id, err)
	}
	if into == nil {
		return nil
	}
	if err = tlb.Parse(into, c); err != nil {
		return fmt.Errorf("parameter %d of the config: %w", id, err)
	}
	return nil
}

// context is what transactions of a block see of the chain.
func (r *rules) context(utime uint32, startLT uint64, seed []byte, past tuple.Tuple) (*tvm.BlockContext, error) {
	o := tvm.BlockOptions{Now: utime, BlockLT: int64(startLT), RandSeed: seed, GlobalID: r.globalID, PrevBlocks: past}
	if r.libraries != nil {
		o.Libraries = []*cell.Cell{r.libraries}
	}
	return r.config.NewBlockContext(o)
}

// pastBlocks is how many masterchain blocks contracts may ask for, in each of two lists.
const pastBlocks = 16

// past is the value of PREVBLOCKSINFOTUPLE after a masterchain block: the newest
// blocks, the last key block, and the newest whose seqno is a multiple of 100.
func (v view) past(head *block) tuple.Tuple {
	key := head
	if !head.key {
		key = v.history.find(wholeMasterchain, head.keySeqno())
	}
	return tuple.NewTupleValue(v.every(1, head), blockTuple(key.id), v.every(100, head))
}

// every lists the newest blocks whose seqno is a multiple of step, as far as
// they are kept.
func (v view) every(step int64, head *block) tuple.Tuple {
	var list []any
	for seqno := int64(head.id.SeqNo) / step * step; seqno >= 0 && len(list) < pastBlocks; seqno -= step {
		b := head
		if seqno != int64(head.id.SeqNo) {
			b = v.history.find(wholeMasterchain, uint32(seqno))
		}
		if b == nil {
			break
		}
		list = append(list, blockTuple(b.id))
	}
	return tuple.NewTupleValue(list...)
}

func blockTuple(id *ton.BlockIDExt) tuple.Tuple {
	return tuple.NewTupleValue(big.NewInt(int64(id.Workchain)), new(big.Int).SetUint64(uint64(id.Shard)), big.NewInt(int64(id.SeqNo)),
		new(big.Int).SetBytes(id.RootHash), new(big.Int).SetBytes(id.FileHash))
}
