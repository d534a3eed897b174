package sandboxtests

import (
	"math/big"
	"sync"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

// Parameters of the config that price gas and messages of the basechain.
const (
	paramGas     = 21
	paramForward = 25
)

// tariffs are configs by how many percent of the usual prices they have.
var tariffs sync.Map

// reprice changes what gas and messages cost, in percent of the usual; rent stays.
func (b *bazaar) reprice(percent int) {
	b.t.Helper()
	known, found := tariffs.Load(percent)
	if !found {
		known, _ = tariffs.LoadOrStore(percent, configAt(b.t, uint64(percent)))
	}
	b.config, b.percent = known.(*tvm.PreparedBlockchainConfig), percent
}

func configAt(t rapid.TB, percent uint64) *tvm.PreparedBlockchainConfig {
	t.Helper()
	dict, err := localnet.BlockchainConfig(localnet.ConfigOptions{GlobalID: globalID})
	require.NoError(t, err)
	var gas tlb.ConfigGasLimitsPrices
	changeParam(t, dict, paramGas, &gas, func() {
		gas.GasPrice, gas.FlatGasPrice = gas.GasPrice*percent/100, gas.FlatGasPrice*percent/100
	})
	var forward tlb.ConfigMsgForwardPrices
	changeParam(t, dict, paramForward, &forward, func() {
		forward.LumpPrice, forward.BitPrice, forward.CellPrice = forward.LumpPrice*percent/100, forward.BitPrice*percent/100, forward.CellPrice*percent/100
	})
	config, err := tvm.PrepareBlockchainConfig(dict.AsCell())
	require.NoError(t, err)
	return config
}

// changeParam reads a parameter into v, and writes it as change leaves it.
func changeParam(t rapid.TB, dict *cell.Dictionary, id int64, v any, change func()) {
	t.Helper()
	at, err := dict.LoadValueByIntKey(big.NewInt(id))
	require.NoError(t, err)
	old, err := at.LoadRef()
	require.NoError(t, err)
	require.NoError(t, tlb.LoadFromCell(v, old))
	change()
	c, err := tlb.ToCell(v)
	require.NoError(t, err)
	require.NoError(t, dict.SetIntKey(big.NewInt(id), cell.BeginCell().MustStoreRef(c).EndCell()))
}

// externalTo is a message from outside.
func externalTo(t rapid.TB, to cocoon.Account, body *cell.Cell) *cell.Cell {
	t.Helper()
	c, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: chain.Address(to), Body: body})
	require.NoError(t, err)
	return c
}
