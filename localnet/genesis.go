package localnet

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// genesis makes the zerostates and, with the first round, the key block.
func (c *Chain) genesis() error {
	utime := uint32(c.cfg.Genesis.Unix())
	accounts, err := genesisAccounts(append([]GenesisAccount{c.faucet.account()}, c.cfg.Accounts...), utime)
	if err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	shard, err := c.zerostate(0, utime, accounts, nil)
	if err != nil {
		return fmt.Errorf("genesis of the basechain: %w", err)
	}
	config, err := BlockchainConfig(ConfigOptions{GlobalID: c.cfg.GlobalID, GlobalVersion: c.cfg.GlobalVersion, Validator: publicOf(c.keys.validator),
		Since: c.cfg.Genesis, ZeroRootHash: shard.id.RootHash, ZeroFileHash: shard.id.FileHash})
	if err != nil {
		return err
	}
	if c.config, err = tvm.PrepareBlockchainConfig(config.AsCell()); err != nil {
		return fmt.Errorf("genesis config: %w", err)
	}
	total, err := totalBalance(accounts)
	if err != nil {
		return err
	}
	extra, err := c.zeroExtra(config, total)
	if err != nil {
		return err
	}
	none, err := tlb.NewShardAccountsAugDict()
	if err != nil {
		return err
	}
	master, err := c.zerostate(-1, utime, none, extra)
	if err != nil {
		return fmt.Errorf("genesis of the masterchain: %w", err)
	}
	master.top = shard
	c.shard, c.master = newLine(shard), newLine(master)
	return c.round()
}

func genesisAccounts(list []GenesisAccount, utime uint32) (*tlb.ShardAccountsAugDict, error) {
	accounts, err := tlb.NewShardAccountsAugDict()
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		id, err := g.id()
		if err != nil {
			return nil, err
		}
		c, err := g.cell(utime)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", g.Address, err)
		}
		fresh, err := accounts.SetWithMode(id.key(), c, cell.DictSetModeAdd)
		if err != nil {
			return nil, err
		}
		if !fresh {
			return nil, fmt.Errorf("account %s is there twice", g.Address)
		}
	}
	return accounts, nil
}

func (c *Chain) zerostate(workchain int32, utime uint32, accounts *tlb.ShardAccountsAugDict, extra *cell.Cell) (*block, error) {
	box, err := emptyOutbox()
	if err != nil {
		return nil, err
	}
	queue, err := box.cell()
	if err != nil {
		return nil, err
	}
	total, err := totalBalance(accounts)
	if err != nil {
		return nil, err
	}
	stats, err := statsCell(total, new(big.Int), nil)
	if err != nil {
		return nil, err
	}
	state := tlb.ShardStateUnsplit{GlobalID: c.cfg.GlobalID, ShardIdent: tlb.ShardIdent{WorkchainID: workchain}, GenUTime: utime,
		MinRefMCSeqno: noRef, OutMsgQueueInfo: queue, Stats: stats, McStateExtra: extra}
	state.Accounts.ShardAccounts = accounts
	root, err := tlb.ToCell(state)
	if err != nil {
		return nil, err
	}
	boc := root.ToBOC()
	return &block{id: newID(workchain, 0, root, boc), boc: boc, state: root, accounts: accounts, utime: utime,
		fees: new(big.Int), validatorFees: new(big.Int)}, nil
}

// zeroExtra is the masterchain's part of its zerostate.
func (c *Chain) zeroExtra(config *cell.Dictionary, total *big.Int) (*cell.Cell, error) {
	log, err := cell.NewAugDict(32, blockLog{})
	if err != nil {
		return nil, err
	}
	info, err := tlb.McStateExtraBlockInfo{ValidatorInfo: tlb.ValidatorInfo{ValidatorListHashShort: c.keys.validatorSet},
		PrevBlocks: &tlb.OldMcBlocksInfoAugDict{AugmentedDictionary: log}, AfterKeyBlock: true}.ToCell()
	if err != nil {
		return nil, err
	}
	id := configAddress()
	extra := tlb.McStateExtra{ShardHashes: cell.NewDict(32), Info: info, GlobalBalance: currencies(total)}
	extra.ConfigParams.ConfigAddr = id[:]
	extra.ConfigParams.Config.Params = config
	return tlb.ToCell(extra)
}
