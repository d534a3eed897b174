package localnet

import (
	"github.com/xssnick/tonutils-go/tlb"
)

// tariff is what one kind of chain charges, in nanoTON; those named 16 are
// scaled by 2^16.
type tariff struct {
	flatGas           uint64 // for the first 100 gas
	gas16             uint64
	lump              uint64 // for each message
	bit16, cell16     uint64 // forwarding
	gasLimit, special uint64
	blockGas          uint64
}

// The basechain's prices fell to a sixth in June 2026, each rounded to nearest.
var (
	basechainTariff = tariff{flatGas: 6667, gas16: 4369067, lump: 66667, bit16: 4369067, cell16: 436906667,
		gasLimit: 1e6, special: 1e6, blockGas: 1e7}
	masterchainTariff = tariff{flatGas: 25 * 6667, gas16: 25 * 4369067, lump: 25 * 66667, bit16: 25 * 4369067, cell16: 25 * 436906667,
		gasLimit: 1e6, special: 7e7, blockGas: 3.7e7}
)

func (t tariff) gas() tlb.ConfigGasLimitsPrices {
	return tlb.ConfigGasLimitsPrices{HasFlatPricing: true, FlatGasLimit: 100, FlatGasPrice: t.flatGas, HasSeparateSpecialLimit: true,
		GasPrice: t.gas16, GasLimit: t.gasLimit, SpecialGasLimit: t.special, GasCredit: 10000, BlockGasLimit: t.blockGas,
		FreezeDueLimit: 1e8, DeleteDueLimit: 1e9}
}

// forwarding hands a third of the fee to the first validator set, as on mainnet.
func (t tariff) forwarding() tlb.ConfigMsgForwardPrices {
	return tlb.ConfigMsgForwardPrices{LumpPrice: t.lump, BitPrice: t.bit16, CellPrice: t.cell16, IHRFactor: 98304, FirstFrac: 21845, NextFrac: 21845}
}

func addPrices(p *params) {
	p.add(18, p.dict(32, tlb.ConfigStoragePrices{CellPrice: 135, MCCellPrice: 135000}).AsCell())
	p.add(20, masterchainTariff.gas())
	p.add(21, basechainTariff.gas())
	limits := tlb.BlockLimitsV1{
		Bytes:   tlb.ParamLimits{Underload: 1 << 17, SoftLimit: 1 << 19, HardLimit: 1 << 20},
		Gas:     tlb.ParamLimits{Underload: 2e6, SoftLimit: 1e7, HardLimit: 2e7},
		LTDelta: tlb.ParamLimits{Underload: 1000, SoftLimit: 5000, HardLimit: 10000},
	}
	p.add(22, limits)
	p.add(23, limits)
	p.add(24, masterchainTariff.forwarding())
	p.add(25, basechainTariff.forwarding())
}
