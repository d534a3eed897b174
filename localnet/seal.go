package localnet

import (
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
	s := &seal{draft: d, master: master, state: d.state(), usage: cell.NewCellUsageTree(), imported: new(big.Int)}
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
	before, err := totalBalance(s.accounts)
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
