package localnet

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// genesis makes the zerostates and, with the first round, the key block.
func (c *Chain) genesis() error {
	utime := uint32(c.cfg.Genesis.Unix())
	base, master, err := genesisAccounts(append([]GenesisAccount{c.faucet.account()}, c.cfg.Accounts...), utime)
	if err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	shard, err := c.zerostate(wholeBasechain, utime, base, nil)
	if err != nil {
		return fmt.Errorf("genesis of the basechain: %w", err)
	}
	config, err := c.cfg.parameters(publicOf(c.keys.validator), shard.id)
	if err != nil {
		return err
	}
	rules, err := newRules(c.cfg.GlobalID, config.AsCell(), publicOf(c.keys.validator))
	if err != nil {
		return fmt.Errorf("genesis config: %w", err)
	}
	if err = addConfigContract(master, config, publicOf(c.keys.validator), utime); err != nil {
		return fmt.Errorf("genesis: config contract: %w", err)
	}
	zero, err := c.zeroMaster(utime, master, config, shard)
	if err != nil {
		return fmt.Errorf("genesis of the masterchain: %w", err)
	}
	zero.commitment = &commitment{key: true, rules: rules, tops: []*top{{block: shard, fees: new(big.Int), made: new(big.Int)}}}
	c.now = view{history{wholeBasechain: {shard}, wholeMasterchain: {zero}}, zero}
	if err = c.store.create(shard, zero); err != nil {
		return fmt.Errorf("keep the genesis: %w", err)
	}
	return c.round()
}

// zeroMaster is the zerostate of the masterchain.
func (c *Chain) zeroMaster(utime uint32, accounts *tlb.ShardAccountsAugDict, config *cell.Dictionary, shard *block) (*block, error) {
	ours, err := totalBalance(accounts)
	if err != nil {
		return nil, err
	}
	theirs, err := totalBalance(shard.accounts)
	if err != nil {
		return nil, err
	}
	extra, err := c.zeroExtra(config, sum(ours, theirs))
	if err != nil {
		return nil, err
	}
	return c.zerostate(wholeMasterchain, utime, accounts, extra)
}

// genesisAccounts are the accounts of the two workchains.
func genesisAccounts(list []GenesisAccount, utime uint32) (base, master *tlb.ShardAccountsAugDict, err error) {
	if base, err = tlb.NewShardAccountsAugDict(); err != nil {
		return nil, nil, err
	}
	if master, err = tlb.NewShardAccountsAugDict(); err != nil {
		return nil, nil, err
	}
	for _, g := range list {
		id, err := g.id()
		if err != nil {
			return nil, nil, err
		}
		accounts := base
		if id.workchain == masterchainID {
			accounts = master
		}
		if err = addAccount(accounts, g, id, utime); err != nil {
			return nil, nil, err
		}
	}
	return base, master, nil
}

func addAccount(accounts *tlb.ShardAccountsAugDict, g GenesisAccount, id fullID, utime uint32) error {
	c, err := g.cell(id, utime)
	if err != nil {
		return fmt.Errorf("account %s: %w", id.address(), err)
	}
	fresh, err := accounts.SetWithMode(id.key(), c, cell.DictSetModeAdd)
	if err != nil {
		return err
	}
	if !fresh {
		return fmt.Errorf("account %s is there twice", id.address())
	}
	return nil
}

func (c *Chain) zerostate(shard shardID, utime uint32, accounts *tlb.ShardAccountsAugDict, extra *cell.Cell) (*block, error) {
	queue, err := queueCell(nil, nil)
	if err != nil {
		return nil, err
	}
	total, err := totalBalance(accounts)
	if err != nil {
		return nil, err
	}
	stats, err := statsCell(load{}, total, new(big.Int), nil, nil)
	if err != nil {
		return nil, err
	}
	state := tlb.ShardStateUnsplit{GlobalID: c.cfg.GlobalID, ShardIdent: shard.ident(), GenUTime: utime,
		MinRefMCSeqno: noRef, OutMsgQueueInfo: queue, Stats: stats, McStateExtra: extra}
	state.Accounts.ShardAccounts = accounts
	root, err := tlb.ToCell(state)
	if err != nil {
		return nil, err
	}
	boc := root.ToBOC()
	return &block{shard: shard, id: newID(shard, 0, root, boc), boc: boc, state: root, accounts: accounts, utime: utime, minRef: noRef,
		fees: new(big.Int), validatorFees: new(big.Int), made: new(big.Int)}, nil
}

// zeroExtra is the masterchain's part of its zerostate.
func (c *Chain) zeroExtra(config *cell.Dictionary, total *big.Int) (*cell.Cell, error) {
	log, err := cell.NewAugDict(32, blockLog{})
	if err != nil {
		return nil, err
	}
	info, err := tlb.McStateExtraBlockInfo{ValidatorInfo: tlb.ValidatorInfo{ValidatorListHashShort: c.keys.masterSet},
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
