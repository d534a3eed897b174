package localnet

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Code that a contract set still charges the machine that loaded it, unless the
// cell forgets it: after some runs each would cost a step more.
func TestBlocks_CodeThatWasSetCostsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	plain := assemble("FF00", "ED44", "D0", "30")                                                                      // SETCP0 c4 CTOS DROP
	g := GenesisAccount{Address: account(7), Nano: coins(1), Code: assemble("FF00", "ED44", "D0", "D4", "30", "FB04"), // SETCP0 c4 CTOS LDREF DROP SETCODE
		Data: cell.BeginCell().MustStoreRef(plain).EndCell()}
	all, option := crowd(t, 60)
	c := New(t, manual, with(g), option)
	var to []*address.Address
	for range 4 {
		to = append(to, account(7))
	}
	for range 3 {
		for _, r := range all {
			require.NoError(t, c.Push(r.send(t, big.NewInt(200_000), to...))) // buys 3000 gas
		}
		require.NoError(t, c.MineAll())
	}
	var gas []uint64
	for _, tx := range transactions(t, c) {
		if accountID(tx.AccountAddr) == accountID(account(7).Data()) {
			phase := tx.Description.(tlb.TransactionDescriptionOrdinary).ComputePhase.Phase.(tlb.ComputePhaseVM)
			require.Zero(t, phase.Details.ExitCode)
			gas = append(gas, phase.Details.GasUsed.Uint64())
		}
	}
	require.Len(t, gas, 3*4*len(all))
	for i, used := range gas[2:] {
		require.Equal(t, gas[1], used, "transaction %d", i+2)
	}
}
