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
	chain    *Chain
	line     *line
	draft    *draft
	previous *block
	master   *block // that a shard's block refers to; nil in the masterchain

	old      tlb.ShardStateUnsplit // as read through the usage tree
	usage    *cell.CellUsageTree
	imported *big.Int // fees of shard blocks, in the masterchain
	flow     flow

	key                    bool
	top                    *block
	blockExtra, stateExtra *cell.Cell // masterchain only
}

func (c *Chain) newSeal(l *line, d *draft, master *block) (*seal, error) {
	s := &seal{chain: c, line: l, draft: d, previous: l.last(), master: master, usage: cell.NewCellUsageTree(), imported: new(big.Int)}
	// What is read from old below is what the Merkle update will contain of it.
	if err := tlb.Parse(&s.old, s.previous.state.WithTrace(s.usage.RootTrace())); err != nil {
		return nil, fmt.Errorf("parse the state of block %d: %w", s.previous.id.SeqNo, err)
	}
	return s, nil
}

func (s *seal) seqno() uint32 { return s.previous.id.SeqNo + 1 }

// block finishes the seal. Everything that depends on the masterchain is in its extra fields by now.
func (s *seal) block() (*block, error) {
	accounts := s.old.Accounts.ShardAccounts
	before, err := totalBalance(s.previous.accounts)
	if err != nil {
		return nil, err
	}
	accountBlocks, err := s.apply(accounts)
	if err != nil {
		return nil, err
	}
	after, err := totalBalance(accounts)
	if err != nil {
		return nil, err
	}
	if s.flow, err = measureFlow(before, after, s.imported, s.draft, accountBlocks); err != nil {
		return nil, err
	}
	state, err := s.state(accounts, after)
	if err != nil {
		return nil, err
	}
	update, err := s.usage.CreateMerkleUpdate(s.previous.state, state)
	if err != nil {
		return nil, fmt.Errorf("make the state update: %w", err)
	}
	root, err := s.assemble(update, accountBlocks)
	if err != nil {
		return nil, err
	}
	return s.finish(root, state.Hash())
}

// apply writes the accounts the draft touched into the state and lists their transactions.
func (s *seal) apply(accounts *tlb.ShardAccountsAugDict) (*tlb.ShardAccountBlocksAugDict, error) {
	blocks, err := tlb.NewShardAccountBlocksAugDict()
	if err != nil {
		return nil, err
	}
	for id, t := range s.draft.touched {
		if t.gone() {
			if err = accounts.Delete(id.key()); isMissing(err) {
				err = nil
			}
		} else {
			err = accounts.Set(id.key(), t.account.ShardAccountCell())
		}
		if err != nil {
			return nil, fmt.Errorf("write account %x: %w", id, err)
		}
		if err = setAccountBlock(blocks, id, t); err != nil {
			return nil, fmt.Errorf("list transactions of account %x: %w", id, err)
		}
	}
	return blocks, nil
}

func setAccountBlock(blocks *tlb.ShardAccountBlocksAugDict, id accountID, t *touched) error {
	txs, err := t.txs.InlineCell()
	if err != nil {
		return err
	}
	// HASH_UPDATE#72 old_hash:bits256 new_hash:bits256
	update := cell.BeginCell().MustStoreUInt(0x72, 8).MustStoreSlice(t.before, 256).
		MustStoreSlice(t.account.ShardAccount().Account.Hash(), 256).EndCell()
	// acc_trans#5 account_addr transactions state_update
	b := cell.BeginCell().MustStoreUInt(5, 4).MustStoreSlice(id[:], 256)
	if err = b.StoreBuilder(txs.ToBuilder()); err != nil {
		return err
	}
	return blocks.Set(id.key(), b.MustStoreRef(update).EndCell())
}

func (s *seal) state(accounts *tlb.ShardAccountsAugDict, total *big.Int) (*cell.Cell, error) {
	box, err := loadOutbox(s.old.OutMsgQueueInfo)
	if err != nil {
		return nil, err
	}
	if s.master != nil {
		if err = box.update(s.draft, s.master.id.SeqNo); err != nil {
			return nil, err
		}
	}
	queue, err := box.cell()
	if err != nil {
		return nil, err
	}
	stats, err := statsCell(total, s.validatorFees(), s.master)
	if err != nil {
		return nil, err
	}
	state := tlb.ShardStateUnsplit{GlobalID: s.chain.cfg.GlobalID, ShardIdent: tlb.ShardIdent{WorkchainID: s.line.workchain}, Seqno: s.seqno(),
		GenUTime: s.draft.utime, GenLT: s.draft.endLT, MinRefMCSeqno: s.minRef(), OutMsgQueueInfo: queue, Stats: stats, McStateExtra: s.stateExtra}
	state.Accounts.ShardAccounts = accounts
	return tlb.ToCell(state)
}

func (s *seal) validatorFees() *big.Int {
	return new(big.Int).Add(s.previous.validatorFees, s.flow.fees)
}

// noRef is min_ref_mc_seqno of a state that refers to no masterchain block.
const noRef = 1<<32 - 1

func (s *seal) minRef() uint32 {
	if s.master == nil {
		return noRef
	}
	return s.master.id.SeqNo
}

func (s *seal) header() tlb.BlockHeader {
	var h tlb.BlockHeader
	h.NotMaster, h.KeyBlock, h.Flags = s.master != nil, s.key, 1
	h.SeqNo, h.Shard = s.seqno(), tlb.ShardIdent{WorkchainID: s.line.workchain}
	h.GenUtime, h.StartLt, h.EndLt = s.draft.utime, s.draft.startLT, s.draft.endLT
	h.GenValidatorListHashShort, h.MinRefMcSeqno = s.chain.keys.validatorSet, s.minRef()
	if len(s.chain.master.blocks) > 1 {
		h.PrevKeyBlockSeqno = keyBlock
	}
	h.GenSoftware = &tlb.GlobalVersion{Version: s.chain.config.GlobalVersion(), Capabilities: s.chain.config.Capabilities()}
	if s.master != nil {
		ref := s.master.ref()
		h.MasterRef = &ref
	}
	h.PrevRef = tlb.BlkPrevInfo{Prev1: s.previous.ref()}
	return h
}

// assemble puts the block together.
func (s *seal) assemble(update *cell.Cell, accountBlocks *tlb.ShardAccountBlocksAugDict) (*cell.Cell, error) {
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
	for _, dict := range []interface{ ToCell() (*cell.Cell, error) }{s.draft.in, s.draft.out, accountBlocks} {
		c, err := dict.ToCell()
		if err != nil {
			return nil, err
		}
		extra.MustStoreRef(c)
	}
	extra.MustStoreSlice(s.draft.seed, 256).MustStoreSlice(s.chain.keys.validator.Public().(ed25519.PublicKey), 256)
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
	boc := root.ToBOC()
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("read the block back: %w", err)
	}
	state, _, err := cell.ApplyMerkleUpdate(s.previous.state, root.MustPeekRef(2))
	if err != nil {
		return nil, fmt.Errorf("apply the state update: %w", err)
	}
	if !bytes.Equal(state.Hash(), stateHash) {
		return nil, errUpdate
	}
	var parsed tlb.ShardStateUnsplit
	if err = tlb.Parse(&parsed, state); err != nil {
		return nil, fmt.Errorf("parse the new state: %w", err)
	}
	b := &block{id: newID(s.line.workchain, s.seqno(), root, boc), root: root, boc: boc, state: state, accounts: parsed.Accounts.ShardAccounts,
		startLT: s.draft.startLT, endLT: s.draft.endLT, utime: s.draft.utime, key: s.key, txs: s.draft.sorted(),
		fees: s.flow.fees, validatorFees: s.validatorFees(), top: s.top}
	return b, nil
}
