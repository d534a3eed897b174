package differential

import (
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

const globalID = localnet.DefaultGlobalID

// rules are what transactions are executed by.
type rules struct {
	version   uint32
	config    *cell.Cell // Hashmap 32 ^Cell
	libraries *cell.Cell // of the masterchain, HashmapE 256 ^Cell without its bit; nil where there are none
	prepared  *tvm.PreparedBlockchainConfig
	machine   *tvm.TVM
}

func newRules(config, libraries *cell.Cell) (*rules, error) {
	prepared, err := tvm.PrepareBlockchainConfig(config)
	if err != nil {
		return nil, err
	}
	return &rules{version: prepared.GlobalVersion(), config: config, libraries: libraries, prepared: prepared, machine: tvm.NewTVM()}, nil
}

func (r *rules) blockLibraries() []*cell.Cell {
	if r.libraries == nil {
		return nil
	}
	return []*cell.Cell{r.libraries}
}

// climate is how hard a config makes it to stay alive.
type climate string

const (
	mild  climate = "mild"  // localnet's own prices
	harsh climate = "harsh" // rent that freezes accounts within days, and suspended addresses
)

// rulesFor makes the config of a global version.
func rulesFor(version uint32, c climate) (*rules, error) {
	dict, err := localnet.BlockchainConfig(localnet.ConfigOptions{GlobalVersion: version})
	if err != nil {
		return nil, err
	}
	if c == harsh {
		if err = harden(dict); err != nil {
			return nil, err
		}
	}
	return newRules(dict.AsCell(), publicLibraries())
}

func harden(dict *cell.Dictionary) error {
	prices := cell.NewDict(32)
	price, err := tlb.ToCell(tlb.ConfigStoragePrices{BitPrice: 2e3, CellPrice: 1e6, MCBitPrice: 1e5, MCCellPrice: 5e7})
	if err != nil {
		return err
	}
	if err = prices.SetIntKey(new(big.Int), price); err != nil {
		return err
	}
	suspended, err := tlb.ToCell(tlb.SuspendedAddressList{Addresses: suspendedAddresses(), SuspendedUntil: genesis + 400*day})
	if err != nil {
		return err
	}
	for id, param := range map[int64]*cell.Cell{18: prices.AsCell(), 44: suspended} {
		if err = dict.SetIntKey(big.NewInt(id), cell.BeginCell().MustStoreRef(param).EndCell()); err != nil {
			return err
		}
	}
	return nil
}
