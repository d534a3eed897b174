package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const fullShard = math.MinInt64

// block is what traces need of a block.
type block struct {
	id      *ton.BlockIDExt
	global  int32
	info    tlb.BlockHeader
	seed    []byte
	parents []*ton.BlockIDExt
	txs     []*Transaction // by account, then logical time
}

// parseBlock reads a block. What is malformed is an error, however it is.
func parseBlock(id *ton.BlockIDExt, c *cell.Cell) (b *block, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%v", broken)
		}
		if err != nil {
			b, err = nil, fmt.Errorf("parse block %d of shard %d:%016x: %w", id.SeqNo, id.Workchain, uint64(id.Shard), err)
		}
	}()
	var parsed tlb.Block
	if err = tlb.Parse(&parsed, c); err != nil {
		return nil, err
	}
	b = &block{id: id, global: parsed.GlobalID, info: parsed.BlockInfo}
	if b.parents, err = ton.GetParentBlocks(&parsed.BlockInfo); err != nil {
		return nil, err
	}
	if parsed.Extra == nil {
		return nil, fmt.Errorf("it has no transactions")
	}
	b.seed = parsed.Extra.RandSeed
	b.txs, err = transactionsOf(parsed.Extra.ShardAccountBlocks, id.Workchain)
	return b, err
}

// transactionsOf reads ShardAccountBlocks, whose values stand behind the sum of
// what they cost.
func transactionsOf(accounts *cell.Cell, workchain int32) (txs []*Transaction, err error) {
	s, err := accounts.BeginParse()
	if err != nil {
		return nil, err
	}
	any, err := s.LoadBoolBit()
	if err != nil || !any {
		return nil, err
	}
	root, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	err = eachValue(root.AsDict(256), func(v *cell.Slice) error {
		var a tlb.AccountBlock
		if err := tlb.LoadFromCell(&a, v); err != nil {
			return err
		}
		return eachValue(a.Transactions.AsCell().AsDict(64), func(v *cell.Slice) error {
			c, err := v.LoadRefCell()
			if err != nil {
				return err
			}
			t, err := Parse(c)
			if err != nil {
				return err
			}
			t.Account = address.NewAddress(0, byte(workchain), t.AccountAddr)
			txs = append(txs, t)
			return nil
		})
	})
	return txs, err
}

// eachValue visits an augmented dictionary of amounts, by key.
func eachValue(dict *cell.Dictionary, visit func(*cell.Slice) error) error {
	list, err := dict.LoadAll()
	if err != nil {
		return err
	}
	for _, kv := range list {
		var sum tlb.CurrencyCollection
		if err = tlb.LoadFromCell(&sum, kv.Value); err != nil {
			return err
		}
		if err = visit(kv.Value); err != nil {
			return err
		}
	}
	return nil
}

// of are the account's transactions in the block, by logical time.
func (b *block) of(a *address.Address) (txs []*Transaction) {
	for _, t := range b.txs {
		if bytes.Equal(t.AccountAddr, a.Data()) && b.id.Workchain == a.Workchain() {
			txs = append(txs, t)
		}
	}
	return txs
}

// prefix is what decides about an account's shard.
func prefix(a *address.Address) uint64 { return binary.BigEndian.Uint64(a.Data()) }

// holds reports whether the account is in the shard. The lowest bit set in a
// shard's name ends the prefix that its accounts have in common.
func holds(shard int64, a *address.Address) bool {
	name := uint64(shard)
	end := name & -name
	return (name^prefix(a))&-(end<<1) == 0
}
