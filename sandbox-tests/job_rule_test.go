package sandboxtests

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func depositOf(deposit cocoon.Nano) func(*wrappers.JobOffer) {
	return func(o *wrappers.JobOffer) { o.Money.MinBond, o.Money.Deposit = coins(ton(2)), coins(deposit) }
}

// ruled is what the wrapper says a ruling comes to.
func (s *jobStory) ruled(r wrappers.Rule) wrappers.JobVerdict {
	s.t.Helper()
	j := s.state()
	v, err := s.offer.Rule(j.Result.Amount.Nano, j.Bound.Bond.Nano, r)
	require.NoError(s.t, err)
	return v
}

// requireRuled has the arbiter rule with the least fee, and wants what the wrapper says.
func (s *jobStory) requireRuled(r wrappers.Rule) (wrappers.JobVerdict, trace) {
	s.t.Helper()
	want := s.ruled(r)
	tr := least(s, s.offer.Money.Arbiter, s.fees().Rule, r)
	s.requireVerdict(tr, want, s.offer.Money.Deposit.Nano)
	return want, tr
}

func TestJob_RulingDividesAmountBondAndDeposit(t *testing.T) {
	t.Parallel()
	for _, deposit := range []cocoon.Nano{{}, cocoon.NanoOf(333_333_333), ton(2)} { // the last is the bond
		for _, pay := range []uint16{0, 1, 3_333, 4_999, 5_000, 10_000} {
			for _, award := range []uint16{0, 3_333, 10_000} {
				for _, amount := range oddAmounts() {
					s := disputedJob(t, amount, depositOf(deposit))
					v, _ := s.requireRuled(wrappers.Rule{QueryID: 8, PayBps: pay, BondBps: award})
					remains := ton(2)
					if pay < 5_000 {
						remains = minus(t, remains, deposit)
					}
					require.Equal(t, deposit, v.Arbiter)
					require.Equal(t, remains, plus(t, v.Bond, v.Awarded), "the loser pays")
				}
			}
		}
	}
}

// The wrapper's sums are those of the contract, whatever both are told.
func TestJob_RulingIsWhatTheWrapperSaysForAnyNumbers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 8))
	for range 60 {
		budget := cocoon.NanoOf(1 + random.Uint64N(1<<random.UintN(63)))
		amount := cocoon.NanoOf(1 + random.Uint64N(budget.Big().Uint64()))
		network := uint16(random.UintN(10_000))
		dispatcher := uint16(random.UintN(10_000 - uint(network)))
		bond := cocoon.NanoOf(random.Uint64N(1 << random.UintN(41)))
		deposit := cocoon.NanoOf(random.Uint64N(bond.Big().Uint64() + 1))
		s := openJob(t, func(o *wrappers.JobOffer) {
			o.Money.Budget, o.Money.MinBond, o.Money.Deposit = coins(budget), coins(bond), coins(deposit)
			o.Money.DefaultBps, o.Terms.NetworkBps, o.DispatcherBps = uint16(random.UintN(10_001)), network, dispatcher
		})
		request(s, s.provider, plus(t, bond, s.fees().Accept), s.accept(bond)).requireOK(t)
		s.sendExternal(s.job, body(t, s.deliver(s.delivery(amount)))).requireOK(t)
		request(s, s.offer.Client, s.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
		s.requireSolvent()
		if random.IntN(4) == 0 {
			s.advance(jobArbitration)
			want := s.byDefault()
			s.requireVerdict(request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 7}).requireOK(t), want, deposit)
			continue
		}
		s.requireRuled(wrappers.Rule{QueryID: 8, PayBps: uint16(random.UintN(10_001)), BondBps: uint16(random.UintN(10_001))})
	}
}

func TestJob_OnlyTheArbiterRules(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	rule := wrappers.Rule{QueryID: 8, PayBps: 10_000}
	for _, other := range []cocoon.Account{s.offer.Client, s.provider, s.birth.Owner, s.offer.Dispatcher, s.offer.Terms.Treasury, wallet("stranger")} {
		refuse(s, errWrongSender, other, rule)
	}
	arbiter := s.offer.Money.Arbiter
	for _, wrong := range []wrappers.Rule{{PayBps: 10_001}, {BondBps: 10_001}, {PayBps: 65_535, BondBps: 65_535}} {
		refuse(s, errWrongAmount, arbiter, wrong)
	}
	s.requireSolvent()
	s.requireRuled(rule)
	refuse(s, errWrongPhase, arbiter, rule) // a replay
	s.requireSolvent()
}

func TestJob_OnlyADisputeIsRuledOn(t *testing.T) {
	t.Parallel()
	for _, s := range []*jobStory{shell(t), openJob(t), acceptedJob(t), deliveredJob(t, ton(7))} {
		refuse(s, errWrongPhase, s.offer.Money.Arbiter, wrappers.Rule{QueryID: 8, PayBps: 10_000})
		s.requireSolvent()
	}
	s := deliveredJob(t, ton(7), noArbiter) // which is never disputed, so that account 0 rules on nothing
	refuse(s, errWrongSender, wallet("arbiter"), wrappers.Rule{QueryID: 8})
	refuse(s, errWrongPhase, cocoon.Account{}, wrappers.Rule{QueryID: 8})
}

func TestJob_RulingIsInTimeToTheSecond(t *testing.T) {
	t.Parallel()
	early, late := disputedJob(t, ton(7)), disputedJob(t, ton(7))
	early.advance(jobArbitration - time.Second)
	refuse(early, errTooEarly, wallet("stranger"), wrappers.Finish{QueryID: 1})
	early.requireRuled(wrappers.Rule{QueryID: 8, PayBps: 5_000})
	late.advance(jobArbitration)
	refuse(late, errTooLate, late.offer.Money.Arbiter, wrappers.Rule{QueryID: 8, PayBps: 5_000})
	want := late.byDefault()
	late.requireVerdict(request(late, wallet("stranger"), late.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t), want, ton(1))
}

func TestJob_RulingGivesTheArbiterTheChange(t *testing.T) {
	t.Parallel()
	s := disputedJob(t, ton(7))
	tr := request(s, s.offer.Money.Arbiter, plus(t, s.fees().Rule, ton(4)), wrappers.Rule{QueryID: 8, PayBps: 10_000}).requireOK(t)
	tr.requireOps(t, opRule, opPayout, opPayout, opIncome, opPayout, opExcesses, opPayout)
	require.Equal(t, ton(5), tr.paidTo(t, s.offer.Money.Arbiter), "the deposit and the change")
	s.requireSolvent()
}

// H5: what was delivered to get the bond home, for a nanoTON or for everything.
func TestJob_JunkIsNotPaidAndCostsItsBond(t *testing.T) {
	t.Parallel()
	for _, amount := range []cocoon.Nano{cocoon.NanoOf(1), ton(10)} {
		s := acceptedJob(t)
		s.advance(jobWork - time.Second)
		s.sendExternal(s.job, body(t, s.deliver(s.delivery(amount)))).requireOK(t)
		request(s, s.offer.Client, s.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
		v, tr := s.requireRuled(wrappers.Rule{QueryID: 8, PayBps: 0, BondBps: 10_000})
		tr.requireOps(t, opRule, opPayout, opPayout) // the arbiter and the client
		require.True(t, tr.paidTo(t, s.provider).IsZero())
		require.Equal(t, ton(1), v.Awarded, "what the arbiter left of it")
		require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(ton(10+1+1)), "budget, deposit and the rest of the bond")
	}
}

// H6: a dispute that is lost costs its deposit, and the worker is paid all the same.
func TestJob_DisputeInVainCostsItsDeposit(t *testing.T) {
	t.Parallel()
	for _, pay := range []uint16{5_000, 10_000} {
		s := disputedJob(t, ton(10))
		v, tr := s.requireRuled(wrappers.Rule{QueryID: 8, PayBps: pay})
		require.Equal(t, ton(1), tr.paidTo(t, s.offer.Money.Arbiter))
		require.Equal(t, ton(2), v.Bond, "of the provider's bond nothing is missing")
		require.Equal(t, -1, tr.paidTo(t, s.offer.Client).Cmp(plus(t, minus(t, ton(10), v.Paid), ton(1))), "the deposit is gone")
	}
}

func TestJob_ArbiterMayBeAPartyOfTheOffer(t *testing.T) {
	t.Parallel()
	for _, arbiter := range []cocoon.Account{wallet("client"), wallet("dispatcher"), wallet("treasury"), wallet("owner")} {
		for _, r := range []wrappers.Rule{{PayBps: 0, BondBps: 10_000}, {PayBps: 10_000}} {
			s := disputedJob(t, ton(7), func(o *wrappers.JobOffer) { o.Money.Arbiter = arbiter })
			want := s.ruled(r)
			due := map[cocoon.Account]cocoon.Nano{ // what each gets as itself
				s.offer.Terms.Treasury: want.Network, s.offer.Dispatcher: want.Dispatcher,
				s.offer.Client: minus(t, ton(10+1+2), plus(t, want.Paid, plus(t, want.Bond, want.Arbiter))),
			}
			due[arbiter] = plus(t, due[arbiter], want.Arbiter) // and as the arbiter
			tr := request(s, arbiter, s.fees().Rule, r).requireOK(t)
			require.Equal(t, plus(t, want.Provider, want.Bond), tr.paidTo(t, s.provider))
			for a, part := range due {
				require.NotEqual(t, -1, tr.paidTo(t, a).Cmp(part))
			}
			require.True(t, s.balance(s.job).IsZero())
			require.Equal(t, wrappers.JobClosed, s.state().Phase)
			s.requireSolvent()
		}
	}
}

// become turns what lives at a into a contract of that code, or into a frozen
// account where there is none, with what it holds.
func (w *world) become(a cocoon.Account, code *cell.Cell) {
	w.t.Helper()
	w.send(wallet("stranger"), chain.Message{To: a, Amount: ton(1)})
	state, shard := *w.account(a).State(), *w.account(a).ShardAccount()
	state.Status, state.StateHash = tlb.AccountStatusFrozen, make([]byte, 32)
	if code != nil {
		state.Status, state.StateInit, state.StateHash = tlb.AccountStatusActive, &tlb.StateInit{Code: code, Data: cell.BeginCell().EndCell()}, nil
		w.received.Add(w.received, state.Balance.Nano())
	}
	var err error
	shard.Account, err = tlb.ToCell(state)
	require.NoError(w.t, err)
	w.accounts[a], err = tvm.PrepareAccount(&shard, chain.Address(a))
	require.NoError(w.t, err)
}

// thrower is a contract that takes nothing: THROW 42.
var thrower = cell.BeginCell().MustStoreUInt(0xf22a, 16).EndCell()

// endings are the ways a delivered job is paid: who sends the last message, which
// one, and whether the client disputes and how much later it is.
var endings = map[string]struct {
	from    cocoon.Account
	last    *cell.Cell
	dispute bool
	later   time.Duration
	change  func(*wrappers.JobOffer)
}{
	"approve": {from: wallet("client"), last: mustBody(wrappers.Approve{QueryID: 1}), change: defaultOf(0)},
	"review":  {from: wallet("stranger"), last: mustBody(wrappers.Finish{QueryID: 1, Response: wallet("crank")}), later: jobReview, change: defaultOf(0)},
	"rule":    {from: wallet("arbiter"), last: mustBody(wrappers.Rule{QueryID: 1, PayBps: 4_000, BondBps: 2_000}), dispute: true, change: defaultOf(0)},
	"silence": {from: wallet("stranger"), last: mustBody(wrappers.Finish{QueryID: 1, Response: wallet("crank")}), dispute: true, later: jobArbitration, change: defaultOf(5_000)},
	"default": {from: wallet("client"), last: mustBody(wrappers.Dispute{QueryID: 1}), change: noArbiter},
}

func mustBody[T any](v T) *cell.Cell {
	c, err := wrappers.Cell(v)
	if err != nil {
		panic(err)
	}
	return c
}

func TestJob_NoPayeeBlocksAnother(t *testing.T) {
	t.Parallel()
	for name, e := range endings {
		for _, code := range []*cell.Cell{thrower, nil} {
			t.Log(name, "frozen:", code == nil)
			s := deliveredJob(t, ton(7), e.change)
			if e.dispute {
				request(s, s.offer.Client, s.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
			}
			s.advance(e.later)
			held := map[cocoon.Account]cocoon.Nano{}
			for _, payee := range []cocoon.Account{s.offer.Terms.Treasury, s.offer.Dispatcher, s.provider, wallet("arbiter"), s.offer.Client, wallet("crank")} {
				if payee != e.from { // a contract that takes nothing sends nothing
					s.become(payee, code)
					held[payee] = s.balance(payee)
				}
			}
			tr := s.send(e.from, chain.Message{To: s.job, Amount: ton(2), Bounce: true, Body: e.last})
			require.Zero(t, tr.steps[0].exit)
			require.Zero(t, tr.steps[0].action)
			require.True(t, s.balance(s.job).IsZero())
			require.Equal(t, wrappers.JobClosed, s.state().Phase)
			for _, step := range tr.steps[1:] {
				require.False(t, step.bounced, "%#x came back", step.op())
				if before, is := held[step.to]; is {
					require.Equal(t, 1, s.balance(step.to).Cmp(before), "what reaches it stays there, whatever it does")
				}
			}
			require.GreaterOrEqual(t, len(tr.steps), 5, "to the treasury, the dispatcher, the provider and the client")
			s.requireSolvent()
		}
	}
}
