package chain

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm"

	"github.com/cocoon-network/cocoon"
)

// Config is the blockchain's configuration as far as we use it. Prices are
// those of the basechain.
type Config struct {
	GlobalID      int32
	GlobalVersion uint32
	Gas           tlb.ConfigGasLimitsPrices
	Forward       tlb.ConfigMsgForwardPrices
	Params        tlb.BlockchainConfig

	prepared *tvm.PreparedBlockchainConfig
}

// GasFee is the price of that many units of gas.
func (c *Config) GasFee(units uint64) (cocoon.Nano, error) {
	return cocoon.NanoFromBig(c.Gas.ComputeGasPrice(units))
}

// ForwardFee is the price of carrying a message of that many cells and bits, the
// root cell not counted.
func (c *Config) ForwardFee(cells, bits uint64) (cocoon.Nano, error) {
	return cocoon.NanoFromBig(c.Forward.ComputeForwardFee(cells, bits))
}

// StorageFee is the rent for that many cells and bits from one unix second to
// another.
func (c *Config) StorageFee(cells, bits uint64, from, to uint32) (cocoon.Nano, error) {
	fee, err := c.Params.ComputeStorageFee(false, from, to, bits, cells)
	if err != nil {
		return cocoon.Nano{}, fmt.Errorf("storage fee: %w", err)
	}
	return cocoon.NanoFromBig(fee)
}

// Config is the configuration at the newest masterchain block.
func (c *Client) Config(ctx context.Context) (*Config, error) {
	head, err := c.Head(ctx)
	if err != nil {
		return nil, err
	}
	return c.ConfigAt(ctx, head)
}

// ConfigAt is the proven configuration at that masterchain block. It changes in
// key blocks only, so that the last one read is kept until the next key block.
func (c *Client) ConfigAt(ctx context.Context, master *BlockID) (*Config, error) {
	h, err := c.header(ctx, master)
	if err != nil {
		return nil, err
	}
	return c.configOf(ctx, master, h)
}

func (c *Client) configOf(ctx context.Context, master *BlockID, h tlb.BlockHeader) (*Config, error) {
	key := h.PrevKeyBlockSeqno
	if h.KeyBlock {
		key = h.SeqNo
	}
	c.mu.Lock()
	kept, keptOf := c.config, c.keySeq
	c.mu.Unlock()
	if kept != nil && keptOf == key {
		return kept, nil
	}
	q := question{what: "read the blockchain's configuration", timeout: c.opts.Timeout, seqno: master.SeqNo}
	params, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*tlb.BlockchainConfig, error) {
		return api.GetBlockchainConfig(ctx, master)
	})
	if err != nil {
		return nil, err
	}
	cfg, err := newConfig(params)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("configuration at %s: %w", blockName(master), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config, c.keySeq = cfg, key
	return cfg, nil
}

func newConfig(params *tlb.BlockchainConfig) (*Config, error) {
	cfg := &Config{Params: *params}
	id, err := params.GetGlobalID()
	if err != nil {
		return nil, fmt.Errorf("param 19: %w", err)
	}
	version, err := params.GetGlobalVersion()
	if err != nil {
		return nil, fmt.Errorf("param 8: %w", err)
	}
	gas, err := params.GetGasPrices(false)
	if err != nil {
		return nil, fmt.Errorf("param 21: %w", err)
	}
	forward, err := params.GetMsgForwardPrices(false)
	if err != nil {
		return nil, fmt.Errorf("param 25: %w", err)
	}
	if cfg.prepared, err = tvm.PrepareBlockchainConfig(params.Root); err != nil {
		return nil, err
	}
	cfg.GlobalID, cfg.GlobalVersion, cfg.Gas, cfg.Forward = id.GlobalID, version.Version, *gas, *forward
	return cfg, nil
}

// moment is the configuration at a masterchain block and what a contract that
// runs then sees of the chain.
func (c *Client) moment(ctx context.Context, master *BlockID) (*Config, *tvm.BlockContext, error) {
	h, err := c.header(ctx, master)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := c.configOf(ctx, master, h)
	if err != nil {
		return nil, nil, err
	}
	block, err := cfg.prepared.NewBlockContext(tvm.BlockOptions{Now: h.GenUtime, BlockLT: int64(h.EndLt), GlobalID: cfg.GlobalID, RandSeed: make([]byte, 32)})
	return cfg, block, err
}
