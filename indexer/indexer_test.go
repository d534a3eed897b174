package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.stakeProvider()
	w.putWorker(p, "w1", 2)
	j := w.openJob(w.offer())
	w.accept(p, j, "w1")
	w.settle()
	w.deliver(j, "w1")
	w.settle()
	x := w.open(newPath(t))
	w.follow(x)
	events, err := x.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, e := range events {
		t.Logf("%d %s %s ok=%v exit=%d value=%s fees=%s %s %v", e.Seq, e.Contract, e.Name, e.OK, e.ExitCode, e.Value, e.Fees, e.Data, e.Out)
	}
	job, err := x.Job(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, market.Delivered, job.Status)
	m, err := x.Money(t.Context())
	require.NoError(t, err)
	t.Logf("%+v", m)
	_ = cocoon.TON
}
