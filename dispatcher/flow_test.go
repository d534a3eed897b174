package dispatcher_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func TestFlow_AJobIsFoundAWorkerDeliveredApprovedAndPaid(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	p := w.provider(10, price)
	w.work(p)
	c := w.customer(t.TempDir())
	job, err := c.Submit(t.Context(), batch(3), terms())
	require.NoError(t, err)
	r, err := c.Attend(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, 3, r.Answered)
	require.Equal(t, p.account, r.Provider)
	require.Equal(t, p.id(), r.Worker)
	require.NotEmpty(t, r.File)
	require.NoError(t, c.Approve(t.Context(), job))
	j := w.job(job, is(market.Paid))
	require.Equal(t, r.Amount, j.Amount)
	require.Equal(t, 1, j.ToProvider.Cmp(cocoon.Nano{}))
	require.NotContains(t, w.log.String(), secret)
}
