package localnet

import (
	"crypto/ed25519"
	"fmt"
	"math/big"
	"math/bits"
	"slices"

	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// ParseParameters reads the config of a network out of a bag of cells, as
// getConfigAll or a config_*.boc holds it: a dictionary of parameter number to cell.
func ParseParameters(boc []byte) (map[uint32]*cell.Cell, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("parse the config: %w", err)
	}
	items, err := root.AsDict(32).LoadAll()
	if err != nil {
		return nil, fmt.Errorf("parse the config: %w", err)
	}
	params := map[uint32]*cell.Cell{}
	for _, item := range items {
		id, err := item.Key.LoadUInt(32)
		if err != nil {
			return nil, fmt.Errorf("parse the config: %w", err)
		}
		c, err := item.Value.LoadRefCell()
		if err != nil {
			return nil, fmt.Errorf("parse parameter %d of the config: %w", int32(id), err)
		}
		params[uint32(id)] = c
	}
	return params, nil
}

// ours are the parameters that a chain sets itself: the contracts of config and
// elector, workchains, global id, special accounts and validator sets.
var ours = []uint32{0, 1, 12, 19, 31, 32, 33, 34, 35, 36, 37}

// parameters builds the genesis config.
func (c *Config) parameters(validator ed25519.PublicKey, zero *ton.BlockIDExt) (*cell.Dictionary, error) {
	config, err := BlockchainConfig(ConfigOptions{GlobalID: c.GlobalID, GlobalVersion: c.GlobalVersion, Validator: validator,
		Since: c.Genesis, ZeroRootHash: zero.RootHash, ZeroFileHash: zero.FileHash, Special: c.Special, MinSplit: uint8(bits.Len(uint(c.Shards)) - 1)})
	if err != nil {
		return nil, err
	}
	for id, value := range c.Parameters {
		if slices.Contains(ours, id) {
			continue
		}
		if value == nil {
			return nil, fmt.Errorf("parameter %d of the config is nil", id)
		}
		if err = config.SetIntKey(new(big.Int).SetUint64(uint64(id)), cell.BeginCell().MustStoreRef(value).EndCell()); err != nil {
			return nil, fmt.Errorf("parameter %d of the config: %w", id, err)
		}
	}
	return config, nil
}
