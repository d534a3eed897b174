package localnet

import (
	"bytes"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// rules are those that a masterchain state holds.
func (r *restorer) rules(state *tlb.ShardStateUnsplit) (*rules, error) {
	var extra tlb.McStateExtra
	if err := tlb.Parse(&extra, state.McStateExtra); err != nil {
		return nil, err
	}
	rules, err := newRules(r.chain.cfg.GlobalID, extra.ConfigParams.Config.Params.AsCell(), publicOf(r.chain.keys.validator))
	if err != nil {
		return nil, err
	}
	st, err := loadCounts(state.Stats)
	rules.libraries = st.libraries
	return rules, err
}

// commitment restores what a masterchain block names: tops, config, libraries.
func (r *restorer) commitment(b *block, h *tlb.BlockHeader, state *tlb.ShardStateUnsplit) error {
	b.commitment = &commitment{key: h.KeyBlock}
	var extra tlb.McStateExtra
	if err := tlb.Parse(&extra, state.McStateExtra); err != nil {
		return err
	}
	var info tlb.McStateExtraBlockInfo
	if err := tlb.Parse(&info, extra.Info); err != nil {
		return err
	}
	b.lastKey = info.LastKeyBlock
	var err error
	if old := r.head; old != nil && old.commitment != nil && old.rules != nil && !h.KeyBlock {
		rules := *old.rules
		var st counts
		st, err = loadCounts(state.Stats)
		rules.libraries = st.libraries
		b.rules = &rules
	} else {
		b.rules, err = r.rules(state)
	}
	if err != nil {
		return err
	}
	value, err := extra.ShardHashes.LoadValueByIntKey(new(big.Int))
	if err != nil {
		return err
	}
	tree, err := value.LoadRef()
	if err != nil {
		return err
	}
	b.tops, err = r.tops(wholeBasechain, tree)
	return err
}

// tops reads the BinTree of ShardDescr under a shard.
func (r *restorer) tops(s shardID, tree *cell.Slice) ([]*top, error) {
	fork, err := tree.LoadBoolBit()
	if err != nil {
		return nil, err
	}
	if !fork {
		t, err := r.top(s, tree)
		return []*top{t}, err
	}
	if s.depth() == maxShardDepth {
		return nil, errRecord
	}
	var all []*top
	for _, right := range []bool{false, true} {
		branch, err := tree.LoadRef()
		if err != nil {
			return nil, err
		}
		tops, err := r.tops(s.child(right), branch)
		if err != nil {
			return nil, err
		}
		all = append(all, tops...)
	}
	return all, nil
}

func (r *restorer) top(s shardID, leaf *cell.Slice) (*top, error) {
	var d tlb.ShardDesc
	if err := tlb.LoadFromCell(&d, leaf); err != nil {
		return nil, err
	}
	b := r.find(s, d.SeqNo)
	if b == nil || !bytes.Equal(b.id.RootHash, d.RootHash) {
		return nil, fmt.Errorf("block %d of shard %s: %w", d.SeqNo, s, errNoBlock)
	}
	t := &top{block: b, fees: d.Currencies.FeesCollected.Coins.Nano(), made: new(big.Int), beforeMerge: d.BeforeMerge}
	switch at := d.SplitMergeAt.(type) {
	case tlb.FutureSplit:
		t.splitAt = at.SplitUtime
	case tlb.FutureMerge:
		t.mergeAt = at.MergeUtime
	}
	return t, nil
}
