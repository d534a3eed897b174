package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// view is the chain as it was at some moment.
type view struct {
	history
	head *block // of the masterchain
}

var errNoBlock = errors.New("block not found")

func (v view) find(id *ton.BlockIDExt) (*block, error) {
	if id == nil {
		return nil, fmt.Errorf("%w: no id", errNoBlock)
	}
	shard := shardID{id.Workchain, uint64(id.Shard)}
	b := v.history.find(shard, id.SeqNo)
	if b == nil {
		return nil, fmt.Errorf("%w: (%s,%d)", errNoBlock, shard, id.SeqNo)
	}
	if !bytes.Equal(b.id.RootHash, id.RootHash) || !bytes.Equal(b.id.FileHash, id.FileHash) {
		return nil, fmt.Errorf("%w: (%s,%d) has other hashes", errNoBlock, shard, id.SeqNo)
	}
	return b, nil
}

// lastLT is the latest logical time there is.
func (v view) lastLT() uint64 {
	lt := v.head.endLT
	for _, t := range v.head.tops {
		lt = max(lt, t.block.endLT)
	}
	return lt
}

// zero is the zerostate of the masterchain.
func (v view) zero() *block { return v.history[wholeMasterchain][0] }

// holder is the newest block whose state has an account.
func (v view) holder(id fullID) *block { return v.head.holder(id) }

// holder is the block whose state has an account at a masterchain block.
func (b *block) holder(id fullID) *block {
	if id.workchain == masterchainID {
		return b
	}
	return b.topOf(id.place()).block
}

// Head is the newest masterchain block.
func (c *Chain) Head() *ton.BlockIDExt { return c.view().head.id.Copy() }

// Shards are the newest blocks of the basechain, by shard, as the newest
// masterchain block names them.
func (c *Chain) Shards() (ids []*ton.BlockIDExt) {
	for _, t := range c.view().head.tops {
		ids = append(ids, t.block.id.Copy())
	}
	return ids
}

// Block is the bag of cells of a block, whose SHA-256 is its file_hash. The
// zerostates have seqno 0.
func (c *Chain) Block(id *ton.BlockIDExt) ([]byte, error) {
	b, err := c.view().find(id)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(b.boc), nil
}

// Balance is what an account holds at the newest block, in nanoTON; zero where
// there is no account.
func (c *Chain) Balance(a *address.Address) (*big.Int, error) {
	id, err := parseAddress(a)
	if err != nil {
		return nil, fmt.Errorf("balance: %w", err)
	}
	_, extra, err := c.view().holder(id).accounts.LoadValueExtra(id.key())
	if isMissing(err) {
		return new(big.Int), nil
	}
	if err != nil {
		return nil, fmt.Errorf("balance of %s: %w", a, err)
	}
	var info tlb.DepthBalanceInfo
	if err = tlb.LoadFromCell(&info, extra); err != nil {
		return nil, fmt.Errorf("balance of %s: %w", a, err)
	}
	return info.Currencies.Coins.Nano(), nil
}

// Accounts yields every account of the newest block with its balance in
// nanoTON: those of the basechain by address, then those of the masterchain.
func (c *Chain) Accounts(yield func(*address.Address, *big.Int) bool) {
	head := c.view().head
	for _, t := range head.tops {
		if !c.yieldAccounts(t.block, yield) {
			return
		}
	}
	c.yieldAccounts(head, yield)
}

func (c *Chain) yieldAccounts(b *block, yield func(*address.Address, *big.Int) bool) bool {
	items, err := b.accounts.RangeExtra(false, false)
	if err != nil {
		c.log.Error("list accounts", "error", err)
		return false
	}
	for _, item := range items {
		key, err := item.Key.BeginParse()
		if err != nil {
			continue
		}
		var info tlb.DepthBalanceInfo
		if err = tlb.LoadFromCell(&info, item.Extra); err != nil {
			continue
		}
		id := accountID(key.MustLoadSlice(256)).in(b.shard.workchain)
		if !yield(id.address(), info.Currencies.Coins.Nano()) {
			return false
		}
	}
	return true
}

// Account is the state of an account at the newest block, as GenesisAccount.State
// takes it; nil where there is no account.
func (c *Chain) Account(a *address.Address) (*cell.Cell, error) {
	id, err := parseAddress(a)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	entry, err := loadAccount(c.view().holder(id).accounts, id.accountID)
	if err != nil || entry == nil {
		return nil, err
	}
	return entry.Account, nil
}
