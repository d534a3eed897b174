package sandboxtests

import (
	"maps"
	"math/big"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// place gives the contract at a other storage, as if a long history had led there.
func (w *world) place(a cocoon.Account, data *cell.Cell) {
	w.t.Helper()
	acc := w.account(a)
	state, shard := *acc.State(), *acc.ShardAccount()
	state.StateInit = &tlb.StateInit{Code: state.StateInit.Code, Data: data}
	var err error
	shard.Account, err = tlb.ToCell(state)
	require.NoError(w.t, err)
	w.accounts[a], err = tvm.PrepareAccount(&shard, chain.Address(a))
	require.NoError(w.t, err)
}

// rehearse lets f happen and undoes it; time goes on.
func (w *world) rehearse(f func()) {
	w.t.Helper()
	accounts := maps.Clone(w.accounts)
	received, paid, fees := new(big.Int).Set(w.received), new(big.Int).Set(w.paid), new(big.Int).Set(w.fees)
	f()
	w.accounts, w.received, w.paid, w.fees = accounts, received, paid, fees
}
