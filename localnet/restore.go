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
	r.history = r.history.with(b)
	if shard != wholeMasterchain {
		return b, nil
	}
	base := r.history.find(wholeBasechain, 0)
	if base == nil {
		return nil, errRecord
	}
	b.commitment = &commitment{key: true, tops: []*top{{block: base, fees: new(big.Int), made: new(big.Int)}}}
	r.head = b
	b.rules, err = r.rules(&state)
	return b, err
}

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

// counts is what a state counts.
type counts struct {
	load      load
	fees      *big.Int // of validators
	libraries *cell.Cell
}

// loadCounts reads overload_history underload_history total_balance
// total_validator_fees libraries.
func loadCounts(c *cell.Cell) (st counts, err error) {
	s, err := c.BeginParse()
	if err != nil {
		return st, err
	}
	if st.load.over, err = s.LoadUInt(64); err != nil {
		return st, err
	}
	if st.load.under, err = s.LoadUInt(64); err != nil {
		return st, err
	}
	var total, fees tlb.CurrencyCollection
	if err = errors.Join(tlb.LoadFromCell(&total, s), tlb.LoadFromCell(&fees, s)); err != nil {
		return st, err
	}
	libraries, err := s.LoadDict(256)
	if err != nil {
		return st, err
	}
	st.fees, st.libraries = fees.Coins.Nano(), libraries.AsCell()
	return st, nil
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
	r.history = r.history.with(b)
	if shard == wholeMasterchain {
		r.head = b
	}
	return b, nil
}

var errMissing = errors.New("the block before it is missing")

// stateBefore is the state that a block's update starts from.
func (r *restorer) stateBefore(shard shardID, h *tlb.BlockHeader) (*cell.Cell, error) {
	find := func(shard shardID, ref *tlb.ExtBlkRef) (*block, error) {
		b := r.history.find(shard, ref.SeqNo)
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

// complete reads what a block says of itself.
func (r *restorer) complete(b *block, parsed *tlb.Block) error {
	h := &parsed.BlockInfo
	b.startLT, b.endLT, b.utime, b.minRef = h.StartLt, h.EndLt, h.GenUtime, h.MinRefMcSeqno
	b.catchain = h.GenCatchainSeqno
	b.flags = flags{h.BeforeSplit, h.AfterSplit, h.AfterMerge, h.WantSplit, h.WantMerge}
	var state tlb.ShardStateUnsplit
	if err := tlb.Parse(&state, b.state); err != nil {
		return fmt.Errorf("parse the state: %w", err)
	}
	b.accounts = state.Accounts.ShardAccounts
	var err error
	if b.queue, b.marks, err = loadQueue(b.shard.workchain, state.OutMsgQueueInfo); err != nil {
		return err
	}
	st, err := loadCounts(state.Stats)
	if err != nil {
		return err
	}
	b.validatorFees, b.load = st.fees, st.load
	if b.fees, b.made, err = flowOf(parsed.ValueFlow); err != nil {
		return err
	}
	if b.txs, err = transactionsOf(parsed); err != nil {
		return err
	}
	if b.shard != wholeMasterchain {
		return nil
	}
	return r.commitment(b, h, &state)
}

// flowOf reads what a block collected, and what it minted less what it burned.
func flowOf(c *cell.Cell) (fees, made *big.Int, err error) {
	s, err := c.BeginParse()
	if err != nil {
		return nil, nil, err
	}
	tag, err := s.LoadUInt(32)
	if err != nil {
		return nil, nil, err
	}
	load := func(s *cell.Slice) *big.Int {
		var sum tlb.CurrencyCollection
		err = errors.Join(err, tlb.LoadFromCell(&sum, s))
		return sum.Coins.Nano()
	}
	if _, err = s.LoadRefCell(); err != nil {
		return nil, nil, err
	}
	fees, made = load(s), new(big.Int)
	if tag == 0x3ebf98b7 {
		made.Neg(load(s))
	}
	created, err2 := s.LoadRef()
	if err2 != nil {
		return nil, nil, err2
	}
	for range 3 { // fees_imported recovered created
		load(created)
	}
	return fees, made.Add(made, load(created)), err
}

func transactionsOf(b *tlb.Block) (list []transaction, err error) {
	var accounts tlb.ShardAccountBlocks
	if err = tlb.Parse(&accounts, b.Extra.ShardAccountBlocks); err != nil {
		return nil, err
	}
	items, err := accounts.Accounts.RangeExtra(false, false)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		var ab tlb.AccountBlock
		if err = tlb.LoadFromCell(&ab, item.Value); err != nil {
			return nil, err
		}
		txs, err := ab.Transactions.RangeExtra(false, false)
		if err != nil {
			return nil, err
		}
		for _, tx := range txs {
			c, err := tx.Value.LoadRefCell()
			if err != nil {
				return nil, err
			}
			lt, err := tx.Key.MustBeginParse().LoadUInt(64)
			if err != nil {
				return nil, err
			}
			list = append(list, transaction{accountID(ab.Addr), lt, c.Hash(), c})
		}
	}
	return list, nil
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
	b := r.history.find(s, d.SeqNo)
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
