package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFlaw_H1_RetiredWorkerLeavesNoEvidence(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H1", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		p.retireWorker("worker").requireOK(t) // before the report arrives
		tr := p.report("worker")
		if d.flawed {
			tr.requireExit(t, errUnknownWorker)
		}
		return p.slashed()
	})
	require.True(t, flawed.IsZero(), "a receipt for each of two answers, and nobody to blame")
	require.Equal(t, ton(20), ours)
}

func TestFlaw_H2_SameReceiptsSlashAgain(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H2", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		p.report("worker").requireOK(t)
		for range 3 {
			d.stops(p.report("worker"), errAlreadySlashed)
		}
		return p.slashed()
	})
	require.Equal(t, ton(80), flawed, "for one worker with one GPU")
	require.Equal(t, ton(20), ours)
}

func TestFlaw_H3_HonestWorkerIsAskedTwice(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H3", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		honest := p.evidence("worker")
		honest.second = p.usage("worker", honest.first.Number+1, 90) // the same request, sent again
		require.Equal(t, honest.first.Content.Request, honest.second.Content.Request)
		tr := ask(p, wallet("dispatcher"), p.fees().ReportEquivocation, honest.message(t))
		d.stops(tr, errWrongEvidence)
		return p.slashed()
	})
	require.Equal(t, ton(20), flawed, "of who answered every request once")
	require.True(t, ours.IsZero())
}

// slashed is what a working provider has lost of its stake.
func (s *providerStory) slashed() cocoon.Nano {
	s.t.Helper()
	return minus(s.t, ton(100), s.state().Stake)
}

func TestFlaw_H4_AcceptHeldBackUntilTheDeadlineStarvesTheWorker(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H4", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		s := p.hire(offerKey)
		allowed := p.state().Allowance
		o := p.acceptOrder(s.job, ton(5))
		o.Pass = s.passBy("offer", asItIs)
		p.advance(jobAcceptIn - time.Second) // the relayer waits
		p.acceptJob(o).requireOK(t)
		p.advance(jobWork / 2) // the work takes half of what the offer gives it
		if d.stops(request(s, s.offer.Client, s.fees().Expire, wrappers.Expire{}), errTooEarly) {
			request(s, wallet("relay"), s.fees().Deliver, s.deliver(s.delivery(ton(7)))).requireOK(t)
			request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{}).requireOK(t)
		}
		return minus(t, allowed, p.state().Allowance)
	})
	require.Equal(t, ton(5), flawed, "the bond of who worked in time")
	require.True(t, ours.IsZero())
}

func TestFlaw_H5_JunkEarnsAndBringsTheBondHome(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H5", func(t *testing.T, d design) cocoon.Nano {
		s := acceptedJob(t)
		d.in(s.world)
		s.advance(jobWork - time.Second)
		junk := s.delivery(s.offer.Money.Budget.Nano)
		junk.ResultHash = [32]byte{0xbd}
		request(s, wallet("relay"), ton(1), s.deliver(junk)).requireOK(t)
		tr := request(s, s.offer.Client, ton(2), wrappers.Dispute{})
		if d.flawed {
			tr.requireExit(t, errUnknownOp)
			s.advance(jobReview)
			return request(s, wallet("crank"), ton(1), finishTo("crank")).requireOK(t).paidTo(t, s.provider)
		}
		tr.requireOK(t)
		return request(s, s.offer.Money.Arbiter, ton(1), wrappers.Rule{BondBps: 10_000}).requireOK(t).paidTo(t, s.provider)
	})
	require.Equal(t, plus(t, ton(2), cocoon.NanoOf(9_301_000_000)), flawed, "the bond, and the budget less both shares")
	require.True(t, ours.IsZero())
}

func TestFlaw_H6_DisputeOfGoodWorkCostsNothing(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H6", func(t *testing.T, d design) cocoon.Nano {
		s := acceptedJob(t)
		d.in(s.world)
		request(s, wallet("relay"), ton(1), s.deliver(s.delivery(ton(7)))).requireOK(t)
		fee := s.fees().Dispute
		d.stops(request(s, s.offer.Client, fee, wrappers.Dispute{}), errNotEnoughValue)
		if !d.flawed {
			request(s, s.offer.Client, plus(t, fee, s.offer.Money.Deposit.Nano), wrappers.Dispute{}).requireOK(t)
		}
		tr := request(s, s.offer.Money.Arbiter, s.fees().Rule, wrappers.Rule{PayBps: 10_000}).requireOK(t)
		return tr.payouts(t, s.offer.Money.Arbiter)
	})
	require.True(t, flawed.IsZero(), "so that every client disputes, and nobody rules")
	require.Equal(t, ton(1), ours, "the client's deposit")
}

func TestFlaw_H7_OnePoisonLeafStopsTheCursor(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H7", func(t *testing.T, d design) (paid cocoon.Nano) {
		f := newFraud(t, d)
		honest := []wrappers.Leaf{f.leaf(providerAt(0), ton(300)), f.leaf(providerAt(5), ton(300))}
		poison := f.leaf(f.accomplice, ton(1_000_000)) // more than there is
		e, tr := f.openEpochOf([]wrappers.Leaf{honest[0], poison, honest[1]}, ton(600))
		tr.requireOK(t)
		if d.stops(tell(e, ton(1), e.page(0, 3)), errWrongSum) {
			f.failPending(e)
			e = f.opens(honest...)
			e.pass()
			e.push()
		} else {
			e.pass()
			tr = tell(e, ton(1), e.payout(0, 3))
			require.NotZero(t, tr.steps[0].action)
			require.Len(t, tr.steps, 1, "nor does the value of who pushed come back")
			e.advance(time.Duration(epochTerms.Expiry) * time.Second)
			tell(e, ton(1), wrappers.Finish{Response: wallet("change")}).requireOK(t)
		}
		return plus(t, f.roughly(honest[0].Provider), f.roughly(honest[1].Provider))
	})
	require.True(t, flawed.IsZero(), "of 600 TON that two had earned")
	require.Equal(t, ton(600), ours)
}
