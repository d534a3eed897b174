package localnet

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

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
