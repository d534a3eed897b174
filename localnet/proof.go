package localnet

import (
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// prove shows a block's header and the hash of its new state; visit may walk
// through the extra part of the block, what it reads is shown too.
func (b *block) prove(visit func(extra *cell.Slice) error) (*cell.Cell, error) {
	builder := cell.NewMerkleProofBuilder(b.root)
	s, err := builder.Root().BeginParse()
	if err != nil {
		return nil, err
	}
	var parts [4]*cell.Cell // info value_flow state_update extra
	for i := range parts {
		if parts[i], err = s.LoadRefCell(); err != nil {
			return nil, err
		}
	}
	if err = visitAll(parts[0]); err != nil {
		return nil, err
	}
	if _, err = parts[2].BeginParse(); err != nil {
		return nil, err
	}
	if visit != nil {
		extra, err := parts[3].BeginParse()
		if err != nil {
			return nil, err
		}
		if err = visit(extra); err != nil {
			return nil, err
		}
	}
	return builder.CreateProof()
}

// proveState shows what visit reads of the state after a block.
func (b *block) proveState(visit func(*tlb.ShardStateUnsplit) error) (*cell.Cell, error) {
	builder := cell.NewMerkleProofBuilder(b.state)
	var state tlb.ShardStateUnsplit
	if err := tlb.Parse(&state, builder.Root()); err != nil {
		return nil, err
	}
	if err := visit(&state); err != nil {
		return nil, err
	}
	return builder.CreateProof()
}

// visitAll reads a whole tree of cells.
func visitAll(c *cell.Cell) error {
	s, err := c.BeginParse()
	if err != nil {
		return err
	}
	for s.RefsNum() > 0 {
		ref, err := s.LoadRefCell()
		if err != nil {
			return err
		}
		if err = visitAll(ref); err != nil {
			return err
		}
	}
	return nil
}

// proveShards shows which shard blocks a masterchain block stands for.
func (b *block) proveShards() ([]*cell.Cell, error) {
	header, err := b.prove(nil)
	if err != nil {
		return nil, err
	}
	state, err := b.proveState(func(state *tlb.ShardStateUnsplit) error {
		s, err := state.McStateExtra.BeginParse()
		if err != nil {
			return err
		}
		shards, err := s.LoadRefCell()
		if err != nil {
			return err
		}
		// the root of the config has to be there for clients to parse what is around it
		if _, err = s.LoadRefCell(); err != nil {
			return err
		}
		return visitAll(shards)
	})
	return []*cell.Cell{header, state}, err
}

// proveTransactions shows where in a block transactions are.
func (b *block) proveTransactions(list []transaction) (*cell.Cell, error) {
	return b.prove(func(extra *cell.Slice) error {
		for range 2 { // in_msg_descr out_msg_descr
			if _, err := extra.LoadRefCell(); err != nil {
				return err
			}
		}
		c, err := extra.LoadRefCell()
		if err != nil {
			return err
		}
		var accounts tlb.ShardAccountBlocks
		if err = tlb.Parse(&accounts, c); err != nil {
			return err
		}
		for _, tx := range list {
			value, err := accounts.Accounts.LoadValue(tx.account.key())
			if err != nil {
				return err
			}
			var ab tlb.AccountBlock
			if err = tlb.LoadFromCell(&ab, value); err != nil {
				return err
			}
			if _, err = ab.Transactions.LoadValueByIntKey(new(big.Int).SetUint64(tx.lt)); err != nil {
				return err
			}
		}
		return nil
	})
}
