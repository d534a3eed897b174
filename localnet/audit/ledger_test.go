package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// delivering is a step whose block delivers messages from one account to one
// account, created at these lt.
func delivering(a *Auditor, lts ...uint64) *step {
	on := &accountBlock{}
	for i, lt := range lts {
		on.txs = append(on.txs, &transaction{lt: uint64(1000 + i), in: &message{lt: lt}})
	}
	return &step{Auditor: a, block: &block{accounts: []*accountBlock{on}}}
}

func TestLedger_WantsTheOrderOfSending(t *testing.T) {
	t.Parallel()
	a := &Auditor{ledger: newLedger()}
	require.NoError(t, delivering(a, 1, 2, 5).checkOrder())
	require.NoError(t, delivering(a, 6).checkOrder())
	require.Error(t, delivering(a, 4).checkOrder(), "an older one, blocks later")
	require.Error(t, delivering(&Auditor{ledger: newLedger()}, 2, 1).checkOrder(), "two in one block")
}
