package sandboxtests

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Whatever state a job is in, and whoever is silent for ever: time and messages
// that the client or any stranger may send give everyone what the offer says.
// Here nobody else sends anything any more, neither provider nor worker,
// dispatcher or arbiter.

// leave has a stranger do what is due as soon as it is, and not a second earlier.
func leave[T any](s *jobStory, after time.Duration, fee cocoon.Nano, v T) trace {
	s.t.Helper()
	s.advance(after - time.Second)
	refuse(s, errTooEarly, wallet("stranger"), v)
	s.advance(time.Second)
	tr := least(s, wallet("stranger"), fee, v)
	require.Equal(s.t, wrappers.JobClosed, s.state().Phase)
	require.True(s.t, s.balance(s.job).IsZero(), "nothing stays behind")
	s.requireSolvent()
	return tr
}

// requireBack wants the client to have got at least that, less the rent of an hour.
func (s *jobStory) requireBack(tr trace, amount cocoon.Nano) {
	s.t.Helper()
	require.NotEqual(s.t, -1, tr.paidTo(s.t, s.offer.Client).Cmp(minus(s.t, amount, cocoon.NanoOf(1_000_000))))
}

func TestLeave_Job_InertGivesBackWhatReachedIt(t *testing.T) {
	t.Parallel()
	s := shell(t)
	s.send(s.offer.Client, chain.Message{To: s.job, Amount: ton(11)}).requireOK(t) // without opening it
	s.advance(24 * time.Hour)
	tr := least(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1})
	s.requireBack(tr, ton(11))
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestLeave_Job_OpenIsTheClientsToCancel(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	held := s.balance(s.job)
	s.requireBack(least(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}), held)
	s.requireSolvent()
}

func TestLeave_Job_OpenExpiresForAnyone(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	held := s.balance(s.job)
	s.requireBack(leave(s, jobAcceptIn, s.fees().Expire, wrappers.Expire{QueryID: 1}), held)
}

func TestLeave_Job_AcceptedGivesBudgetAndBondToTheClient(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	held := s.balance(s.job)
	tr := leave(s, jobWork, s.fees().Expire, wrappers.Expire{QueryID: 1})
	s.requireBack(tr, held)
	require.True(t, tr.paidTo(t, s.provider).IsZero())
}

func TestLeave_Job_DeliveredPaysTheProviderOfASilentClient(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	s.requirePaid(leave(s, jobReview, s.fees().Finish, wrappers.Finish{QueryID: 1}), ton(7), ton(3))
}

func TestLeave_Job_DeliveredIsTheClientsToEnd(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	s.requirePaid(request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 1}).requireOK(t), ton(7), ton(3))
	s = deliveredJob(t, ton(7), noArbiter)
	want := s.byDefault()
	s.requireVerdict(request(s, s.offer.Client, s.fees().Dispute, wrappers.Dispute{QueryID: 1}).requireOK(t), want, cocoon.Nano{})
}

func TestLeave_Job_DisputedPaysTheDefaultOfASilentArbiter(t *testing.T) {
	t.Parallel()
	for _, bps := range []uint16{0, 2_500, 10_000} {
		s := disputedJob(t, ton(7), defaultOf(bps))
		want := s.byDefault()
		tr := leave(s, jobArbitration, s.fees().Finish, wrappers.Finish{QueryID: 1})
		s.requireVerdict(tr, want, ton(1))
		require.NotEqual(t, -1, tr.paidTo(t, s.provider).Cmp(ton(2)), "its bond, and pay where due")
		s.requireBack(tr, plus(t, minus(t, ton(10), want.Paid), ton(1))) // the deposit as well
	}
}

func TestLeave_Job_ClosedKeepsNothingThatStraysThere(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	s.advance(jobArbitration)
	request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
	s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(3)}).requireOK(t)
	s.requireBack(request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 2}).requireOK(t), ton(3))
	require.True(t, s.balance(s.job).IsZero())
	s.requireSolvent()
}

// The same from wherever any history has led.
func TestLeave_Job_FromWhereverAnyHistoryLeads(t *testing.T) {
	t.Parallel()
	left := map[wrappers.JobPhase]int{}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := shell(t, anyOffer(random))
		for range random.IntN(60) {
			s.anything(random)
		}
		before := s.state()
		left[before.Phase]++
		s.advance(31 * 24 * time.Hour) // longer than any phase
		switch before.Phase {
		case wrappers.JobInert:
			request(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}).requireOK(t)
		case wrappers.JobOpen, wrappers.JobAccepted:
			request(s, wallet("stranger"), s.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
		case wrappers.JobDelivered:
			tr := request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
			s.requirePaid(tr, before.Result.Amount.Nano, minus(t, ton(10), before.Result.Amount.Nano))
		case wrappers.JobDisputed:
			want := s.byDefault()
			tr := request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
			require.Equal(t, plus(t, want.Provider, want.Bond), tr.paidTo(t, s.provider))
		case wrappers.JobClosed:
			request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
		}
		require.Equal(t, wrappers.JobClosed, s.state().Phase)
		require.True(t, s.balance(s.job).IsZero())
		s.requireSolvent()
	}
	for phase := wrappers.JobInert; phase <= wrappers.JobClosed; phase++ {
		require.Positive(t, left[phase], "no history left a job %s", phase)
	}
}
