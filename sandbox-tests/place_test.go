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
	w.replace(a, w.account(a).State().StateInit.Code, data)
}

// substitute puts the code that runs instead of ours into the contract at a.
func (w *world) substitute(a cocoon.Account) {
	w.t.Helper()
	if len(w.instead) == 0 || !w.holdsCode(a) {
		return
	}
	init := w.account(a).State().StateInit
	if code := w.instead[string(init.Code.Hash())]; code != nil {
		w.replace(a, code, init.Data)
	}
}

func (w *world) replace(a cocoon.Account, code, data *cell.Cell) {
	w.t.Helper()
	acc := w.account(a)
	state, shard := *acc.State(), *acc.ShardAccount()
	state.StateInit = &tlb.StateInit{Code: code, Data: data}
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
