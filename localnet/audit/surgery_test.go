package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// operated is a toy in which an account gained coins without a transaction.
func operated(t *testing.T) (*toy, address) {
	t.Helper()
	c := newToy(t, 3, 0)
	var patient address
	c.fault = func(b *toyBlock) {
		if b.tops != nil || patient != (address{}) {
			return
		}
		for _, id := range ordered(b.state.accounts) {
			if a := b.state.accounts[id]; b.txs[id] == nil {
				patient = address{b.shard.workchain, id}
				a.nano += 500
				a.cell = accountCell(patient, a)
				b.state.accounts[id] = a
				b.flow.to, b.flow.minted = b.state.sum(), 500
				return
			}
		}
	}
	c.rounds(5)
	require.NotEqual(t, address{}, patient)
	return c, patient
}

func TestAllowSurgery_LetsOneAccountChange(t *testing.T) {
	t.Parallel()
	c, patient := operated(t)
	require.NoError(t, c.audit(AllowSurgery(patient.workchain, patient.id)))
	var v *Violation
	require.ErrorAs(t, c.audit(), &v)
	require.Equal(t, RuleAccounts, v.Rule, "nobody said it may")
	require.ErrorAs(t, c.audit(AllowSurgery(patient.workchain, [32]byte{})), &v)
	require.Equal(t, RuleAccounts, v.Rule, "another one may")
}
