package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// onJob is the scene of v, with everyone who has to do with a job.
func onJob[T any](s *jobStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	s.t.Helper()
	return onStage(s.world, s.job, from, value, v, s.offer.Client, s.offer.Dispatcher, s.offer.Money.Arbiter, s.provider, s.birth.Owner)
}

// otherProvider is of the same owner and code, and is another one.
func (s *jobStory) otherProvider() cocoon.Account {
	s.t.Helper()
	other := s.birth
	other.Index++
	a, err := other.Account()
	require.NoError(s.t, err)
	return a
}

var jobRows = []row{
	{wrappers.KindJob, "open_job", only, errWrongPhase, func(t *testing.T) *scene {
		s := shell(t)
		return onJob(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).before(s.offer.Money.AcceptBy, errTooLate)
	}},
	{wrappers.KindJob, "accept", only, errWrongPhase, func(t *testing.T) *scene {
		s := openJob(t, offerKey)
		m := s.accept(ton(2))
		m.Pass = s.passBy("offer", asItIs)
		x := onJob(s, s.provider, s.fees().Accept, m).with(ton(2)).before(s.offer.Money.AcceptBy, errTooLate)
		x.others = append(x.others, s.otherProvider())
		return x
	}},
	{wrappers.KindJob, "cancel", only, errWrongPhase, func(t *testing.T) *scene {
		s := openJob(t)
		return onJob(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1})
	}},
	{wrappers.KindJob, "cancel, never opened", only, errWrongPhase, func(t *testing.T) *scene {
		s := shell(t)
		return onJob(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1})
	}},
	{wrappers.KindJob, "expire", anyone, errWrongPhase, func(t *testing.T) *scene {
		s := acceptedJob(t)
		s.advance(jobWork)
		return onJob(s, wallet("crank"), s.fees().Expire, wrappers.Expire{QueryID: 1, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindJob, "expire, nobody accepted", anyone, errWrongPhase, func(t *testing.T) *scene {
		s := openJob(t)
		s.advance(jobAcceptIn)
		return onJob(s, wallet("crank"), s.fees().Expire, wrappers.Expire{QueryID: 1, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindJob, "deliver", anyone, errWrongPhase, func(t *testing.T) *scene {
		s := acceptedJob(t)
		return onJob(s, wallet("relay"), s.fees().Deliver, s.deliver(s.delivery(ton(7))))
	}},
	{wrappers.KindJob, "approve", only, errWrongPhase, func(t *testing.T) *scene {
		s := deliveredJob(t, ton(7))
		return onJob(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 1})
	}},
	{wrappers.KindJob, "dispute", only, errWrongPhase, func(t *testing.T) *scene {
		s := deliveredJob(t, ton(7))
		return onJob(s, s.offer.Client, s.fees().Dispute, wrappers.Dispute{QueryID: 1}).with(s.offer.Money.Deposit.Nano).before(s.state().Until, errTooLate)
	}},
	{wrappers.KindJob, "dispute, without an arbiter", only, errWrongPhase, func(t *testing.T) *scene {
		s := deliveredJob(t, ton(7), noArbiter)
		return onJob(s, s.offer.Client, s.fees().Dispute, wrappers.Dispute{QueryID: 1}).before(s.state().Until, errTooLate)
	}},
	{wrappers.KindJob, "rule", only, errWrongPhase, func(t *testing.T) *scene {
		s := disputedJob(t, ton(7))
		return onJob(s, s.offer.Money.Arbiter, s.fees().Rule, wrappers.Rule{QueryID: 1, PayBps: 4000, BondBps: 5000}).before(s.state().Until, errTooLate)
	}},
	{wrappers.KindJob, "finish", anyone, idle, func(t *testing.T) *scene {
		s := deliveredJob(t, ton(7))
		s.advance(jobReview)
		return onJob(s, wallet("crank"), s.fees().Finish, wrappers.Finish{QueryID: 1, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindJob, "finish, of a dispute", anyone, idle, func(t *testing.T) *scene {
		s := disputedJob(t, ton(7))
		s.now = s.state().Until
		return onJob(s, wallet("crank"), s.fees().Finish, wrappers.Finish{QueryID: 1, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindJob, "finish, a sweep", anyone, idle, func(t *testing.T) *scene {
		s := deliveredJob(t, ton(7))
		request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 1}).requireOK(t)
		s.send(wallet("stray"), chain.Message{To: s.job, Amount: ton(1)}).requireOK(t)
		return onJob(s, wallet("crank"), s.fees().Finish, wrappers.Finish{QueryID: 1, Response: wallet("change")})
	}},
}
