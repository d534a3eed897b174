package dispatcher_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// sendBody sends v from the payer with enough for any fee.
func sendBody[T any](w *town, to cocoon.Account, v T) {
	w.t.Helper()
	body, err := wrappers.Cell(v)
	require.NoError(w.t, err)
	w.send(w.payer, chainMessage(to, cocoon.TON(1), nil, body))
}

// disputed is a job, accepted and delivered by p without the dispatcher's help,
// whose client waits for an arbiter. The payer is all of them.
func (w *town) disputed(p provider) cocoon.Account {
	w.t.Helper()
	o, _ := w.offer(func(o *wrappers.JobOffer) {
		o.Money.Arbiter, o.Money.Arbitration, o.Money.DefaultBps = w.payer.Account(), 600, 2_500
	})
	job, err := o.Account()
	require.NoError(w.t, err)
	w.open(o)
	order := wrappers.AcceptJobOrder{GlobalID: w.net.GlobalID, Contract: p.account, Job: job, Worker: p.id(), Bond: wrappers.Coins{Nano: cocoon.NanoOf(100_000_000)},
		ValidUntil: w.index.Head().Time + 600}
	accept, err := order.Sign(p.operator, 1, p.wallet.Account())
	require.NoError(w.t, err)
	sendBody(w, p.account, accept)
	w.job(job, is(market.Accepted))
	d := wrappers.Delivery{GlobalID: w.net.GlobalID, Contract: job, Amount: wrappers.Coins{Nano: cocoon.NanoOf(400_000_000)}}
	deliver, err := d.Sign(p.worker, 2, p.wallet.Account())
	require.NoError(w.t, err)
	sendBody(w, job, deliver)
	w.job(job, is(market.Delivered))
	sendBody(w, job, wrappers.Dispute{})
	return job
}

func TestDispute_IsFinishedByTheDispatcherWhenNobodyRules(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.disputed(w.provider(10, price))
	w.job(job, is(market.Disputed))
	w.advance(61) // work and review would be over
	require.False(t, w.job(job, is(market.Disputed)).Status.Over())
	w.advance(600)
	j := w.job(job, is(market.Ruled))
	require.Equal(t, cocoon.NanoOf(100_000_000), j.Paid, "a quarter")
	require.False(t, w.logged("expire of job "+job.String()), "it would be refused")
	require.Eventually(t, func() bool { return w.logged("finish of job " + job.String()) }, wait, tick, "it is logged when the message is out")
}
