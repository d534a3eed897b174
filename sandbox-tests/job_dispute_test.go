package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// oddAmounts divide by no share without a rest; the last is the whole budget.
func oddAmounts() []cocoon.Nano {
	return []cocoon.Nano{cocoon.NanoOf(1), cocoon.NanoOf(3), cocoon.NanoOf(9_999), cocoon.NanoOf(7_000_000_001), ton(10)}
}

// noArbiter leaves a dispute to the offer's default.
func noArbiter(o *wrappers.JobOffer) { o.Money.Arbiter = cocoon.Account{} }

func defaultOf(bps uint16) func(*wrappers.JobOffer) {
	return func(o *wrappers.JobOffer) { o.Money.DefaultBps = bps }
}

// sentTo adds up what one transaction sent to a as op, and counts such messages.
func (s step) sentTo(t *testing.T, a cocoon.Account, op uint32) (sum cocoon.Nano, count int) {
	t.Helper()
	for _, m := range s.out {
		to, err := chain.AccountOf(m.DstAddr)
		require.NoError(t, err)
		if to != a || uint32(m.Body.MustBeginParse().MustLoadUInt(32)) != op {
			continue
		}
		value, err := cocoon.NanoFromBig(m.Amount.Nano())
		require.NoError(t, err)
		sum, count = plus(t, sum, value), count+1
	}
	return sum, count
}

// requireSent wants one message of that value to a, or none where it is zero.
func (s *jobStory) requireSent(of step, a cocoon.Account, op uint32, value cocoon.Nano) {
	s.t.Helper()
	sum, count := of.sentTo(s.t, a, op)
	require.Equal(s.t, value, sum)
	require.Equal(s.t, !value.IsZero(), count == 1, "%d messages for %s", count, value)
}

// requireVerdict wants each party to have got its part to the nanoTON, with
// parts that add up to what the job owed, and the job to be closed and empty.
func (s *jobStory) requireVerdict(tr trace, v wrappers.JobVerdict, deposit cocoon.Nano) {
	s.t.Helper()
	t, of, m := s.t, tr.steps[0], s.offer.Money
	bond := s.state().Bound.Bond.Nano
	require.Equal(t, v.Paid, plus(t, v.Provider, plus(t, v.Network, v.Dispatcher)))
	s.requireSent(of, s.offer.Terms.Treasury, opPayout, v.Network)
	s.requireSent(of, s.offer.Dispatcher, opPayout, v.Dispatcher)
	s.requireSent(of, m.Arbiter, opPayout, v.Arbiter)
	s.requireSent(of, s.provider, opIncome, plus(t, v.Provider, v.Bond))
	if !plus(t, v.Provider, v.Bond).IsZero() {
		income, err := wrappers.Decode[wrappers.Income](tr.step(t, opIncome).body)
		require.NoError(t, err)
		require.Equal(t, v.Bond, income.Bond.Nano, "the bond that came back")
	}
	owed := plus(t, m.Budget.Nano, plus(t, bond, deposit))
	rest := minus(t, owed, plus(t, v.Paid, plus(t, v.Bond, v.Arbiter)))
	got, _ := of.sentTo(t, s.offer.Client, opPayout)
	require.NotEqual(t, -1, got.Cmp(rest), "all else is the client's")
	require.Equal(t, -1, got.Cmp(plus(t, rest, ton(1))), "and nothing more than fees leave over")
	for _, out := range of.out {
		require.Positive(t, out.Amount.Nano().Sign(), "nobody gets a message without money")
	}
	require.True(t, s.balance(s.job).IsZero())
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func (s *jobStory) byDefault() wrappers.JobVerdict {
	s.t.Helper()
	j := s.state()
	v, err := s.offer.Default(j.Result.Amount.Nano, j.Bound.Bond.Nano)
	require.NoError(s.t, err)
	return v
}

func TestJob_DisputeHoldsTheAmountAndTheDepositForTheArbiter(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	before, held := s.state(), s.balance(s.job)
	dispute := wrappers.Dispute{QueryID: 6}
	for _, other := range []cocoon.Account{wallet("stranger"), s.provider, s.offer.Money.Arbiter, s.offer.Dispatcher} {
		refuse(s, errWrongSender, other, dispute)
	}
	s.advance(time.Minute)
	tr := least(s, s.offer.Client, s.stake(), dispute)
	tr.requireOps(t, opDispute)
	j := s.state()
	require.Equal(t, wrappers.JobDisputed, j.Phase)
	require.Equal(t, "disputed", j.Phase.String())
	require.Equal(t, s.now+uint32(jobArbitration/time.Second), j.Until)
	require.Equal(t, before.Bound, j.Bound)
	require.Equal(t, before.Result, j.Result)
	require.Equal(t, 1, s.balance(s.job).Cmp(plus(t, held, less1(t, ton(1)))), "with the deposit")
	refuse(s, errWrongPhase, s.offer.Client, dispute) // twice
	s.requireSolvent()
}

func TestJob_DisputeGivesBackWhatIsAboveDepositAndFee(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7))
	tr := request(s, s.offer.Client, plus(t, s.stake(), ton(4)), wrappers.Dispute{QueryID: 6}).requireOK(t)
	tr.requireOps(t, opDispute, opExcesses)
	require.Equal(t, ton(4), tr.paidTo(t, s.offer.Client))
	s.requireSolvent()
}

func TestJob_DisputeEndsWithTheReviewToTheSecond(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*wrappers.JobOffer){func(*wrappers.JobOffer) {}, noArbiter} {
		early, late := deliveredJob(t, ton(7), change), deliveredJob(t, ton(7), change)
		early.advance(jobReview - time.Second)
		refuse(early, errTooEarly, wallet("stranger"), wrappers.Finish{QueryID: 1})
		request(early, early.offer.Client, early.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
		early.requireSolvent()
		late.advance(jobReview)
		refuse(late, errTooLate, late.offer.Client, wrappers.Dispute{QueryID: 6})
		request(late, wallet("stranger"), late.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
		late.requireSolvent()
	}
}

func TestJob_OnlyADeliveryIsDisputed(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*wrappers.JobOffer){func(*wrappers.JobOffer) {}, noArbiter} {
		closed := deliveredJob(t, ton(7), change)
		request(closed, closed.offer.Client, ton(1), wrappers.Approve{QueryID: 1}).requireOK(t)
		for _, s := range []*jobStory{shell(t, change), openJob(t, change), acceptedJob(t, change), closed} {
			refuse(s, errWrongPhase, s.offer.Client, wrappers.Dispute{QueryID: 6})
			refuse(s, errWrongPhase, s.offer.Client, wrappers.Dispute{QueryID: 6})
			s.requireSolvent()
		}
	}
}

func TestJob_NothingButARulingOrTimeMovesADispute(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	again := s.deliver(s.delivery(ton(10)))
	for range 2 {
		refuse(s, errWrongPhase, s.offer.Client, wrappers.OpenJob{QueryID: 1})
		refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Cancel{QueryID: 1})
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Expire{QueryID: 1})
		refuse(s, errWrongPhase, wallet("relay"), again)
		require.Empty(t, s.sendExternal(s.job, body(t, again)).steps)
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Approve{QueryID: 1})
		refuse(s, errWrongPhase, s.offer.Client, wrappers.Dispute{QueryID: 1})
		refuse(s, errUnknownOp, s.offer.Client, wrappers.Excesses{QueryID: 1})
		s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(1)}).requireOK(t) // a gift
		s.requireSolvent()
		s.advance(jobWork + jobReview)
	}
	refuse(s, errTooLate, s.offer.Money.Arbiter, wrappers.Rule{QueryID: 1})
}

func TestJob_BouncesDoNotMoveADispute(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	for _, b := range []*cell.Cell{cell.BeginCell().MustStoreUInt(0xffffffff, 32).MustStoreUInt(opPayout, 32).EndCell(),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).EndCell(), body(t, wrappers.Rule{QueryID: 1, PayBps: 10_000})} {
		in := chain.Message{To: s.job, Amount: ton(1), Body: b}.Internal()
		in.SrcAddr, in.CreatedLT, in.CreatedAt, in.Bounced = chain.Address(s.offer.Money.Arbiter), s.lt, s.now, true
		c, err := tlb.ToCell(in)
		require.NoError(t, err)
		before := s.data(s.job).Hash()
		s.run(c).requireBouncedQuietly(t)
		require.Equal(t, before, s.data(s.job).Hash())
		s.requireSolvent()
	}
}

func TestJob_SilentArbiterLeavesItToTheDefault(t *testing.T) {
	t.Parallel()
	for _, bps := range []uint16{0, 1, 3_333, 5_000, 10_000} {
		for _, amount := range oddAmounts() {
			s := disputedJob(t, amount, defaultOf(bps))
			finish := wrappers.Finish{QueryID: 7, Response: wallet("crank")}
			s.advance(jobArbitration - time.Second)
			refuse(s, errTooEarly, wallet("stranger"), finish)
			s.advance(time.Second)
			refuse(s, errTooLate, s.offer.Money.Arbiter, wrappers.Rule{QueryID: 7, PayBps: 10_000})
			want := s.byDefault()
			tr := least(s, wallet("stranger"), s.fees().Finish, finish)
			s.requireVerdict(tr, want, ton(1))
			require.Equal(t, ton(2), want.Bond, "the bond goes back whole")
			require.True(t, tr.paidTo(t, s.offer.Money.Arbiter).IsZero(), "who did not rule gets nothing")
			refuse(s, errWrongSender, s.offer.Client, wrappers.Rule{QueryID: 7})
			refuse(s, errWrongPhase, s.offer.Money.Arbiter, wrappers.Rule{QueryID: 7})
		}
	}
}

func TestJob_FinishOfADisputeGivesItsCallerTheChange(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	s.advance(jobArbitration)
	tr := request(s, wallet("stranger"), plus(t, s.fees().Finish, ton(4)), wrappers.Finish{QueryID: 7, Response: wallet("crank")}).requireOK(t)
	tr.requireOps(t, opFinish, opPayout, opPayout, opIncome, opExcesses, opPayout)
	require.Equal(t, ton(4), tr.paidTo(t, wallet("crank")))
}

func TestJob_DisputeWithoutAnArbiterPaysTheDefaultAtOnce(t *testing.T) {
	t.Parallel()
	for _, bps := range []uint16{0, 1, 3_333, 5_000, 10_000} {
		for _, amount := range oddAmounts() {
			s := deliveredJob(t, amount, noArbiter, defaultOf(bps))
			want := s.byDefault()
			tr := least(s, s.offer.Client, s.fees().Dispute, wrappers.Dispute{QueryID: 6})
			s.requireVerdict(tr, want, cocoon.Nano{})
			require.Equal(t, ton(2), want.Bond)
			refuse(s, errWrongPhase, s.offer.Client, wrappers.Dispute{QueryID: 6})
		}
	}
}

func TestJob_DepositThatNobodyAskedForComesBack(t *testing.T) {
	t.Parallel()
	s := deliveredJob(t, ton(7), noArbiter)
	tr := request(s, s.offer.Client, plus(t, s.stake(), ton(4)), wrappers.Dispute{QueryID: 6}).requireOK(t)
	tr.requireOps(t, opDispute, opPayout, opPayout, opIncome, opPayout)
	require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(plus(t, ton(10-7+5), cocoon.NanoOf(3_500_000_000))), "unspent budget, half the amount, deposit and excess")
	require.True(t, s.balance(s.job).IsZero())
	s.requireSolvent()
}

func TestJob_DefaultOfNothingSendsNothing(t *testing.T) {
	t.Parallel()
	bondless := func(o *wrappers.JobOffer) {
		o.Money.MinBond, o.Money.Deposit, o.Money.DefaultBps = coins(cocoon.Nano{}), coins(cocoon.Nano{}), 0
	}
	for _, change := range []func(*wrappers.JobOffer){func(*wrappers.JobOffer) {}, noArbiter} {
		s := openJob(t, bondless, change)
		request(s, s.provider, s.fees().Accept, s.accept(cocoon.Nano{})).requireOK(t)
		request(s, wallet("relay"), s.fees().Deliver, s.deliver(s.delivery(ton(7)))).requireOK(t)
		last := request(s, s.offer.Client, s.fees().Dispute, wrappers.Dispute{QueryID: 6}).requireOK(t)
		if s.state().Phase == wrappers.JobDisputed {
			s.advance(jobArbitration)
			last = request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 7}).requireOK(t)
		}
		require.Len(t, last.steps, 2, fmt.Sprint("one message, to the client: ", last.steps[1].to))
		s.requireVerdict(last, wrappers.JobVerdict{}, cocoon.Nano{})
	}
}

func TestJob_ArbitrationOfNoTimeIsTheDefault(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7), func(o *wrappers.JobOffer) { o.Money.Arbitration = 0 })
	refuse(s, errTooLate, s.offer.Money.Arbiter, wrappers.Rule{QueryID: 1})
	want := s.byDefault()
	s.requireVerdict(request(s, s.offer.Client, s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t), want, ton(1))
}
