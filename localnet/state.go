package localnet

import (
	"bytes"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// apply writes the accounts the draft touched into the state and lists their transactions.
func (s *seal) apply(accounts *tlb.ShardAccountsAugDict) (*tlb.ShardAccountsAugDict, error) {
	s.accountBlocks = newAugTree(256, tlb.AugShardAccountBlocks{})
	changed := newAugTree(256, tlb.AugShardAccounts{})
	for id, t := range s.touched {
		key := bytes.Clone(id[:])
		if !t.gone() {
			changed.set(key, t.account.ShardAccountCell().ToBuilder())
		} else if err := accounts.Delete(id.key()); err != nil && !isMissing(err) {
			return nil, fmt.Errorf("delete account %x: %w", id, err)
		}
		if len(t.txs.entries) == 0 { // changed by hand
			continue
		}
		block, err := t.block(id)
		if err != nil {
			return nil, fmt.Errorf("list transactions of account %x: %w", id, err)
		}
		s.accountBlocks.set(key, block)
	}
	if len(changed.entries) == 0 {
		return accounts, nil
	}
	var old *cell.Cell
	if !accounts.IsEmpty() {
		old = accounts.AsCell().MustPeekRef(0)
	}
	root, extra, err := changed.merge(old)
	if err != nil {
		return nil, fmt.Errorf("write accounts: %w", err)
	}
	var after tlb.ShardAccountsAugDict
	dict := cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(root).MustStoreBuilder(extra.ToBuilder())
	if err = after.LoadFromCell(dict.ToSlice()); err != nil {
		return nil, fmt.Errorf("write accounts: %w", err)
	}
	return &after, nil
}

// newState writes the state after the block.
func (s *seal) newState(accounts *tlb.ShardAccountsAugDict, total *big.Int) (*cell.Cell, error) {
	queue, err := s.newQueue()
	if err != nil {
		return nil, err
	}
	stats, err := statsCell(s.load, total, s.validatorFees(), s.libraries(), s.master)
	if err != nil {
		return nil, err
	}
	state := tlb.ShardStateUnsplit{GlobalID: s.chain.cfg.GlobalID, ShardIdent: s.shard.ident(), Seqno: s.seqno(), GenUTime: s.utime, GenLT: s.endLT,
		MinRefMCSeqno: s.minRef(), OutMsgQueueInfo: queue, BeforeSplit: s.want.beforeSplit, Stats: stats, McStateExtra: s.stateExtra}
	state.Accounts.ShardAccounts = accounts
	return tlb.ToCell(state)
}

// newQueue is the queue that the block leaves behind. It is built anew where that
// is less work than to change the old one.
func (s *seal) newQueue() (*cell.Cell, error) {
	if left := s.after(); s.old.queue == nil || len(left) <= 2*(len(s.dequeued)+len(s.enqueued)) {
		return queueCell(left, s.reach())
	}
	for _, l := range s.queue {
		if s.dequeued[l.cell.HashKey()] {
			if err := s.old.queue.Delete(l.key()); err != nil {
				return nil, fmt.Errorf("take a message out of the queue: %w", err)
			}
		}
	}
	for _, l := range s.enqueued {
		value, err := l.enqueued()
		if err != nil {
			return nil, err
		}
		if err = s.old.queue.SetBuilder(l.key(), value); err != nil {
			return nil, fmt.Errorf("put a message into the queue: %w", err)
		}
	}
	queue, err := s.old.queue.ToCell()
	if err != nil {
		return nil, err
	}
	return queueInfo(queue, s.reach())
}

func (s *seal) validatorFees() *big.Int { return new(big.Int).Add(s.fees, s.flow.fees) }

// libraries are those of the state after the block: the masterchain holds them.
func (s *seal) libraries() *cell.Cell {
	if s.commit == nil {
		return nil
	}
	return s.commit.rules.libraries
}

// noRef is min_ref_mc_seqno of a state that refers to no masterchain block.
const noRef = 1<<32 - 1

func (s *seal) minRef() uint32 {
	oldest := min(s.ref, s.reach().minSeqno())
	if s.commit != nil {
		for _, t := range s.commit.tops {
			oldest = min(oldest, t.block.minRef)
		}
	}
	return oldest
}
