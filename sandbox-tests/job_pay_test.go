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

// requirePaid wants each payee of amount to have got its part, and the client at least rest.
func (s *jobStory) requirePaid(tr trace, amount, rest cocoon.Nano) {
	s.t.Helper()
	pay, err := s.offer.Divide(amount)
	require.NoError(s.t, err)
	require.Equal(s.t, amount, plus(s.t, pay.Provider, plus(s.t, pay.Network, pay.Dispatcher)))
	require.Equal(s.t, pay.Network, tr.paidTo(s.t, s.offer.Terms.Treasury))
	require.Equal(s.t, pay.Dispatcher, tr.paidTo(s.t, s.offer.Dispatcher))
	bond := s.state().Bound.Bond.Nano
	require.Equal(s.t, plus(s.t, pay.Provider, bond), tr.paidTo(s.t, s.provider), "its part and its bond")
	income, err := wrappers.Decode[wrappers.Income](tr.step(s.t, opIncome).body)
	require.NoError(s.t, err)
	require.Equal(s.t, bond, income.Bond.Nano)
	require.NotEqual(s.t, -1, tr.paidTo(s.t, s.offer.Client).Cmp(rest), "all else is the client's")
	require.True(s.t, s.balance(s.job).IsZero())
	require.Equal(s.t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_ApprovalPaysWhatWasDelivered(t *testing.T) {
	t.Parallel()
	amount, err := cocoon.ParseNano("7000000001")
	require.NoError(t, err)
	s := deliveredJob(t, amount)
	refuse(s, errWrongSender, wallet("stranger"), wrappers.Approve{QueryID: 5})
	tr := least(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 5})
	tr.requireOps(t, opApprove, opPayout, opPayout, opIncome, opPayout)
	s.requirePaid(tr, amount, minus(t, ton(10), amount))
	require.Equal(t, amount, s.state().Result.Amount.Nano, "who paid whom for what stays on chain")
}

func TestJob_SilentClientPaysAfterTheReview(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	finish := wrappers.Finish{QueryID: 5, Response: wallet("crank")}
	s.advance(jobReview - time.Second)
	refuse(s, errTooEarly, wallet("stranger"), finish)
	s.advance(time.Second)
	tr := least(s, wallet("stranger"), s.fees().Finish, finish)
	tr.requireOps(t, opFinish, opPayout, opPayout, opIncome, opPayout)
	s.requirePaid(tr, ton(7), ton(3))
}

func TestJob_FinishGivesItsCallerTheChange(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(10)) // the whole budget
	s.advance(jobReview)
	tr := request(s, wallet("stranger"), plus(t, s.fees().Finish, ton(4)), wrappers.Finish{QueryID: 5, Response: wallet("crank")}).requireOK(t)
	tr.requireOps(t, opFinish, opPayout, opPayout, opIncome, opExcesses, opPayout)
	require.Equal(t, ton(4), tr.paidTo(t, wallet("crank")))
	s.requirePaid(tr, ton(10), cocoon.Nano{})
}

func TestJob_WhoNeverDeliversLosesItsBondToTheClient(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	expire := wrappers.Expire{QueryID: 1, Response: wallet("crank")}
	s.advance(jobWork - time.Second)
	refuse(s, errTooEarly, s.offer.Client, expire)
	refuse(s, errWrongPhase, s.offer.Client, wrappers.Approve{QueryID: 1})
	refuse(s, errWrongPhase, s.offer.Client, wrappers.Finish{QueryID: 1})
	s.advance(time.Second)
	tr := least(s, wallet("stranger"), s.fees().Expire, expire)
	tr.requireOps(t, opExpire, opPayout)
	require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(ton(12)), "budget, bond and what is left of the reserve")
	require.True(t, tr.paidTo(t, s.provider).IsZero())
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_ClosedIsForEver(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 5}).requireOK(t)
	for range 2 {
		refuse(s, errWrongPhase, s.offer.Client, wrappers.OpenJob{QueryID: 1})
		refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Cancel{QueryID: 1})
		refuse(s, errWrongPhase, wallet("stranger"), wrappers.Expire{QueryID: 1})
		refuse(s, errWrongPhase, wallet("stranger"), s.deliver(s.delivery(ton(7))))
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Approve{QueryID: 1})
		refuse(s, errUnknownOp, s.offer.Client, wrappers.Excesses{QueryID: 1})
		s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(1)}).requireOK(t)
		require.Empty(t, s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(7))))).steps)
		s.advance(30 * 365 * 24 * time.Hour)
	}
	require.NotNil(t, s.state().Result)
	s.requireSolvent()
}

func TestJob_StraysOfAClosedJobAreTheClients(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	request(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}).requireOK(t)
	finish := wrappers.Finish{QueryID: 6, Response: wallet("crank")}
	for range 2 {
		s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(3)}).requireOK(t)
		s.advance(24 * time.Hour)
		tr := least(s, wallet("stranger"), s.fees().Finish, finish)
		tr.requireOps(t, opFinish, opPayout)
		require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(minus(t, ton(3), cocoon.NanoOf(1_000_000))))
		require.True(t, s.balance(s.job).IsZero())
	}
	s.requireSolvent()
}

func TestJob_FiveYearsOfRentNeverReachTheDebts(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	s.advance(5 * 365 * 24 * time.Hour)
	s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(10))))).requireOK(t)
	s.requireSolvent()
	tr := request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 5}).requireOK(t)
	s.requirePaid(tr, ton(10), cocoon.Nano{})
}

func TestJob_WhatRentTookAnyoneMayBringBack(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(10))
	s.advance(60 * 365 * 24 * time.Hour)
	finish := wrappers.Finish{QueryID: 5, Response: wallet("crank")}
	before := s.data(s.job).Hash()
	tr := request(s, wallet("stranger"), s.fees().Finish, finish)
	require.EqualValues(t, 37, tr.steps[0].action, "short of money, nobody is paid half")
	require.Equal(t, before, s.data(s.job).Hash())
	s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(1)}).requireOK(t)
	s.requirePaid(request(s, wallet("stranger"), s.fees().Finish, finish).requireOK(t), ton(10), cocoon.Nano{})
}

func TestJob_MoneyAddsUpForAnyAmountAndShares(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for range 40 {
		budget := cocoon.NanoOf(1 + random.Uint64N(1<<random.UintN(63)))
		amount := cocoon.NanoOf(1 + random.Uint64N(budget.Big().Uint64()))
		network := uint16(random.UintN(10_000))
		dispatcher := uint16(random.UintN(10_000 - uint(network)))
		bond := cocoon.NanoOf(random.Uint64N(1 << 40))
		s := openJob(t, func(o *wrappers.JobOffer) {
			o.Money.Budget, o.Money.MinBond, o.Money.Deposit = coins(budget), coins(bond), coins(cocoon.Nano{})
			o.Terms.NetworkBps, o.DispatcherBps = network, dispatcher
		})
		request(s, s.provider, plus(t, bond, s.fees().Accept), s.accept(bond)).requireOK(t)
		s.requireSolvent()
		s.sendExternal(s.job, body(t, s.deliver(s.delivery(amount)))).requireOK(t)
		s.requireSolvent()
		s.advance(jobReview)
		s.requirePaid(request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 5}).requireOK(t), amount, minus(t, budget, amount))
	}
}

// actors are who may send anything to a job.
func (s *jobStory) actors() []cocoon.Account {
	return []cocoon.Account{s.offer.Client, s.provider, wallet("stranger"), wallet("arbiter")}
}

// anything does one thing at random; what only one party may send comes from it
// half of the time.
func (s *jobStory) anything(random *rand.Rand) {
	from, value, crank := s.actors()[random.IntN(4)], cocoon.NanoOf(random.Uint64N(20_000_000_000)), wallet("crank")
	by := func(who cocoon.Account) cocoon.Account {
		if random.IntN(2) == 0 {
			return who
		}
		return from
	}
	switch random.IntN(15) {
	case 0, 1:
		request(s, by(s.offer.Client), value, wrappers.OpenJob{QueryID: 1})
	case 2, 3:
		request(s, s.provider, value, s.accept(cocoon.NanoOf(random.Uint64N(4_000_000_000))))
	case 4:
		request(s, from, value, s.deliver(s.delivery(cocoon.NanoOf(random.Uint64N(12_000_000_000)))))
	case 5:
		s.send(from, chain.Message{To: s.job, Amount: value})
	case 6:
		if random.IntN(4) == 0 {
			request(s, from, value, wrappers.Approve{QueryID: 1})
		}
	case 7:
		request(s, from, value, wrappers.Finish{QueryID: 1, Response: crank})
	case 8:
		request(s, from, value, wrappers.Expire{QueryID: 1, Response: crank})
	case 9:
		if random.IntN(4) == 0 {
			request(s, from, value, wrappers.Cancel{QueryID: 1})
		}
	case 10:
		if !s.balance(s.job).IsZero() { // else nobody would carry it there
			s.sendExternal(s.job, body(s.t, s.deliver(s.delivery(cocoon.NanoOf(random.Uint64N(12_000_000_000))))))
		}
	case 11:
		s.advance(time.Duration(random.IntN(400)) * time.Second)
	case 12, 13:
		request(s, by(s.offer.Client), value, wrappers.Dispute{QueryID: 1})
	case 14:
		request(s, by(wallet("arbiter")), value, wrappers.Rule{QueryID: 1, PayBps: uint16(random.UintN(10_500)), BondBps: uint16(random.UintN(10_500))})
	}
}

// anyOffer is one that opens, with or without bond, deposit and arbiter.
func anyOffer(random *rand.Rand) func(*wrappers.JobOffer) {
	return func(o *wrappers.JobOffer) {
		bond := random.Uint64N(3_000_000_000)
		o.Money.MinBond, o.Money.Deposit = coins(cocoon.NanoOf(bond)), coins(cocoon.NanoOf(random.Uint64N(bond+1)))
		o.Money.Arbitration, o.Money.DefaultBps = uint32(random.UintN(2_000)), uint16(random.UintN(10_001))
		if random.IntN(4) == 0 {
			noArbiter(o)
		}
	}
}

// No step is sure to succeed; whatever happens, the books add up.
func TestJob_MoneyAddsUpOverAnyHistory(t *testing.T) {
	t.Parallel()
	ended := map[wrappers.JobPhase]int{}
	happened := map[uint32]int{}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := shell(t, anyOffer(random))
		for range 120 {
			before := s.state().Phase
			s.anything(random)
			s.requireSolvent()
			if after := s.state().Phase; after != before {
				happened[uint32(before)<<8|uint32(after)]++
			}
		}
		ended[s.state().Phase]++
	}
	require.Greater(t, ended[wrappers.JobClosed], 30, "most histories come to an end")
	for _, step := range [][2]wrappers.JobPhase{{wrappers.JobInert, wrappers.JobOpen}, {wrappers.JobOpen, wrappers.JobAccepted}, {wrappers.JobAccepted, wrappers.JobDelivered},
		{wrappers.JobDelivered, wrappers.JobDisputed}, {wrappers.JobDelivered, wrappers.JobClosed}, {wrappers.JobDisputed, wrappers.JobClosed}} {
		require.Positive(t, happened[uint32(step[0])<<8|uint32(step[1])], "no job went from %s to %s", step[0], step[1])
	}
}
