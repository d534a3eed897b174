package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
)

// view is the chain as it was at some moment; both lists are by seqno.
type view struct {
	shard, master []*block
}

func (v view) lastShard() *block { return v.shard[len(v.shard)-1] }
func (v view) last() *block      { return v.master[len(v.master)-1] }
func (v view) nextLT() uint64    { return nextLT(v.lastShard(), v.last()) }

var errNoBlock = errors.New("block not found")

// blocks of a workchain, the zerostate first.
func (v view) blocks(workchain int32, shard int64) ([]*block, error) {
	if shard != fullShard {
		return nil, fmt.Errorf("%w: there is no shard %016x", errNoBlock, uint64(shard))
	}
	switch workchain {
	case 0:
		return v.shard, nil
	case -1:
		return v.master, nil
	}
	return nil, fmt.Errorf("%w: there is no workchain %d", errNoBlock, workchain)
}

func (v view) find(id *ton.BlockIDExt) (*block, error) {
	if id == nil {
		return nil, fmt.Errorf("%w: no id", errNoBlock)
	}
	list, err := v.blocks(id.Workchain, id.Shard)
	if err != nil {
		return nil, err
	}
	if uint64(id.SeqNo) >= uint64(len(list)) {
		return nil, fmt.Errorf("%w: (%d,%016x,%d)", errNoBlock, id.Workchain, uint64(id.Shard), id.SeqNo)
	}
	b := list[id.SeqNo]
	if !bytes.Equal(b.id.RootHash, id.RootHash) || !bytes.Equal(b.id.FileHash, id.FileHash) {
		return nil, fmt.Errorf("%w: (%d,%016x,%d) has other hashes", errNoBlock, id.Workchain, uint64(id.Shard), id.SeqNo)
	}
	return b, nil
}

// Head is the newest masterchain block.
func (c *Chain) Head() *ton.BlockIDExt { return c.view().last().id.Copy() }

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
	id, err := basechainID(a)
	if err != nil {
		return nil, fmt.Errorf("balance: %w", err)
	}
	_, extra, err := c.view().lastShard().accounts.LoadValueExtra(id.key())
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
// nanoTON, by address.
func (c *Chain) Accounts(yield func(*address.Address, *big.Int) bool) {
	items, err := c.view().lastShard().accounts.RangeExtra(false, false)
	if err != nil {
		c.log.Error("list accounts", "error", err)
		return
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
		if !yield(accountID(key.MustLoadSlice(256)).address(), info.Currencies.Coins.Nano()) {
			return
		}
	}
}
