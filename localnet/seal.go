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

// seal turns a full draft into a block: it writes the state after it, proves
// the change and describes where the money went.
type seal struct {
	*draft
	master *block // that a shard's block refers to; nil in the masterchain

	state    *cell.Cell // before, as no usage tree sees it
	old      oldState
	usage    *cell.CellUsageTree
	imported *big.Int // fees of shard blocks, in the masterchain
	flow     flow
	commit   *commitment // in the masterchain
	want     flags       // beforeSplit, wantSplit, wantMerge
	load     load

	accountBlocks          *augTree
	parts                  [3]*cell.Cell // in_msg_descr out_msg_descr account_blocks
	blockExtra, stateExtra *cell.Cell    // masterchain only
}

// oldState is what of the state before is changed, read through the usage tree:
// that is what the Merkle update will contain of it.
type oldState struct {
	accounts *tlb.ShardAccountsAugDict
	queue    *tlb.OutMsgQueueAugDict // nil after a split or a merge
	extra    *cell.Cell
}

func (d *draft) newSeal(master *block) (*seal, error) {
	s := &seal{draft: d, master: master, state: d.base.state(), usage: cell.NewCellUsageTree(), imported: new(big.Int)}
	err := s.open(s.state.WithTrace(s.usage.RootTrace()))
	if err != nil {
		return nil, fmt.Errorf("read the state that block %d of shard %s begins from: %w", d.seqno(), d.shard, err)
	}
	return s, nil
}

// open reads the old state: of one block, of half of one, or of two.
func (s *seal) open(root *cell.Cell) (err error) {
	if !s.flags.afterMerge {
		var state tlb.ShardStateUnsplit
		if err = tlb.Parse(&state, root); err != nil {
			return err
		}
		s.old = oldState{accounts: state.Accounts.ShardAccounts, extra: state.McStateExtra}
		if s.flags.afterSplit {
			s.old.accounts, err = cut(state.Accounts.ShardAccounts, s.shard)
			return err
		}
		var info tlb.OutMsgQueueInfo
		if err = tlb.Parse(&info, state.OutMsgQueueInfo); err != nil {
			return err
		}
		s.old.queue = info.OutQueue
		return nil
	}
	var sides [2]tlb.ShardStateUnsplit
	slice, err := root.BeginParse()
	if err != nil {
		return err
	}
	if _, err = slice.LoadUInt(32); err != nil {
		return err
	}
	for i := range sides {
		side, err := slice.LoadRefCell()
		if err != nil {
			return err
		}
		if err = tlb.Parse(&sides[i], side); err != nil {
			return err
		}
	}
	s.old.accounts, err = combine(sides[0].Accounts.ShardAccounts, sides[1].Accounts.ShardAccounts)
	return err
}

// block finishes the seal. Everything that depends on the masterchain is in its extra fields by now.
func (s *seal) block() (*block, error) {
	before, err := totalBalance(s.base.accounts)
	if err != nil {
		return nil, err
	}
	accounts, err := s.apply(s.old.accounts)
	if err != nil {
		return nil, err
	}
	after, err := totalBalance(accounts)
	if err != nil {
		return nil, err
	}
	var sums [3]*cell.Cell
	for i, tree := range []*augTree{s.in, s.out, s.accountBlocks} {
		if s.parts[i], sums[i], err = tree.cell(); err != nil {
			return nil, err
		}
	}
	if s.flow, err = measureFlow(before, after, s.imported, s.draft, sums); err != nil {
		return nil, err
	}
	state, err := s.newState(accounts, after)
	if err != nil {
		return nil, err
	}
	update, err := s.usage.CreateMerkleUpdate(s.state, state)
	if err != nil {
		return nil, fmt.Errorf("make the state update: %w", err)
	}
	root, err := s.assemble(update)
	if err != nil {
		return nil, err
	}
	return s.finish(root, state.Hash())
}

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

// block is the account's AccountBlock.
func (t *touched) block(id accountID) (*cell.Builder, error) {
	txs, _, err := t.txs.root()
	if err != nil {
		return nil, err
	}
	// HASH_UPDATE#72 old_hash:bits256 new_hash:bits256
	update := cell.BeginCell().MustStoreUInt(0x72, 8).MustStoreSlice(t.before, 256).
		MustStoreSlice(t.account.ShardAccount().Account.Hash(), 256).EndCell()
	// acc_trans#5 account_addr transactions state_update
	b := cell.BeginCell().MustStoreUInt(5, 4).MustStoreSlice(id[:], 256).MustStoreBuilder(txs.ToBuilder())
	return b.MustStoreRef(update), nil
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
	for _, l := range s.base.queue {
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

func (s *seal) validatorFees() *big.Int { return new(big.Int).Add(s.base.fees, s.flow.fees) }

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
