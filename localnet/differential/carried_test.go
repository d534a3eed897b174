package differential

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// A puppet takes new code. The cell of it remembers the machine that loaded it
// and charges that one, too, whenever it runs; when nothing is left there, the
// account begins with a step and 110 gas too many, unless it is read anew. A fix
// upstream fails this test and takes the difference off the list.
func TestCarried_NewCodeStillChargesTheMachineThatSetIt(t *testing.T) {
	t.Parallel()
	r, err := rulesFor(14, mild)
	require.NoError(t, err)
	init := stateInit(puppet(), 1, 1)
	at := init.CalcAddress(0)
	account, err := born(at, init, big.NewInt(1e12), genesis)
	require.NoError(t, err)
	nano := int64(200_000) // buys 3000 gas
	next := func(l lane, lt uint64, body *cell.Cell) *step {
		message, err := tlb.ToCell(&tlb.InternalMessage{IHRDisabled: true, SrcAddr: at, DstAddr: at, Amount: tlb.FromNanoTON(big.NewInt(nano)), Body: body})
		require.NoError(t, err)
		return &step{at: at, account: l, message: message, now: genesis, lt: lt}
	}
	program := assemble(pushRef(puppet()), code("FB04"))
	o, result := r.run(next(account, ltAlign, cell.BeginCell().MustStoreRef(program).EndCell()))
	require.Subset(t, features(o), []string{"exit 0", "action 0"})

	for n := range 1000 {
		deposit := next(lane{result.NextAccount, result.AccountStorageStat}, uint64(n+2)*ltAlign, cell.BeginCell().EndCell())
		fresh, err := deposit.fresh()
		require.NoError(t, err)
		_, anew := r.run(fresh)
		if _, result = r.run(deposit); result.GasUsed != anew.GasUsed {
			require.EqualValues(t, 110, result.GasUsed-anew.GasUsed)
			require.EqualValues(t, 1, result.Steps-anew.Steps)
			t.Logf("deposit %d is the first to cost more", n)
			return
		}
	}
	require.Fail(t, "the difference is gone")
}
