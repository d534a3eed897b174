package sandboxtests

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	jobAcceptIn    = 10 * time.Minute
	jobWork        = time.Hour
	jobReview      = 30 * time.Minute
	jobArbitration = 2 * time.Hour
)

// jobStory is a job whose provider the test speaks for, unless a real one accepts.
type jobStory struct {
	*world
	t        *testing.T
	offer    wrappers.JobOffer
	job      cocoon.Account
	birth    wrappers.ProviderBirth // of the provider that may accept
	provider cocoon.Account
}

// offerIn pays up to 10 TON for a bond of at least 1; the dispatcher's share is
// 5.99 %, the network's 1 %.
func offerIn(t *testing.T, w *world, registry cocoon.Account) wrappers.JobOffer {
	t.Helper()
	code, err := wrappers.ProviderCode()
	require.NoError(t, err)
	return wrappers.JobOffer{
		Client: wallet("client"), Dispatcher: wallet("dispatcher"), DispatcherBps: 599, Salt: 42,
		Work: &wrappers.JobWork{Model: cocoon.NewModelID("Qwen/Qwen3-32B"), PayloadHash: [32]byte{1}, ResultKeyHash: [32]byte{2},
			Caps: &wrappers.Prices{Prompt: coins(ton(1)), Cached: coins(ton(1)), Completion: coins(ton(3)), Reasoning: coins(ton(3))}},
		Money: &wrappers.JobMoney{Budget: coins(ton(10)), MinBond: coins(ton(1)), Deposit: coins(ton(1)), AcceptBy: w.now + uint32(jobAcceptIn/time.Second),
			Work: uint32(jobWork / time.Second), Review: uint32(jobReview / time.Second), Arbitration: uint32(jobArbitration / time.Second), DefaultBps: 5000, Arbiter: wallet("arbiter")},
		Terms: &wrappers.JobTerms{Registry: registry, NetworkBps: 100, Treasury: wallet("treasury"),
			Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{{Hash: [32]byte{7}, Depth: 3}, code}}},
	}
}

// shell is a job that a stranger has deployed, changed by each of changes.
func shell(t *testing.T, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	w := newWorld(t)
	offer := offerIn(t, w, wallet("registry"))
	for _, change := range changes {
		change(&offer)
	}
	return shellIn(t, w, offer)
}

func shellIn(t *testing.T, w *world, offer wrappers.JobOffer) *jobStory {
	t.Helper()
	s := &jobStory{world: w, t: t, offer: offer, birth: wrappers.ProviderBirth{Registry: offer.Terms.Registry, Owner: wallet("owner"), Index: 7}}
	var err error
	s.provider, err = s.birth.Account()
	require.NoError(t, err)
	s.job, err = offer.Account()
	require.NoError(t, err)
	init, err := offer.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.job, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
	return s
}

func openJob(t *testing.T, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	s := shell(t, changes...)
	request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(t)
	return s
}

// acceptedJob has a bond of 2 TON from a worker called worker.
func acceptedJob(t *testing.T, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	s := openJob(t, changes...)
	request(s, s.provider, plus(t, ton(2), s.fees().Accept), s.accept(ton(2))).requireOK(t)
	return s
}

func deliveredJob(t *testing.T, amount cocoon.Nano, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	s := acceptedJob(t, changes...)
	request(s, wallet("relay"), s.fees().Deliver, s.deliver(s.delivery(amount))).requireOK(t)
	return s
}

// disputedJob waits for the arbiter.
func disputedJob(t *testing.T, amount cocoon.Nano, changes ...func(*wrappers.JobOffer)) *jobStory {
	t.Helper()
	s := deliveredJob(t, amount, changes...)
	request(s, s.offer.Client, s.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
	return s
}

// request sends v to the job.
func request[T any](s *jobStory, from cocoon.Account, value cocoon.Nano, v T) trace {
	s.t.Helper()
	return s.send(from, chain.Message{To: s.job, Amount: value, Bounce: true, Body: body(s.t, v)})
}

// refuse wants v to fail with code and to change nothing.
func refuse[T any](s *jobStory, code int32, from cocoon.Account, v T) {
	s.t.Helper()
	s.requireRefused(s.t, code, s.job, func() trace { return request(s, from, ton(20), v) })
}

// least wants fee to be the least value with which v succeeds, and v with a bit too many to fail.
func least[T any](s *jobStory, from cocoon.Account, fee cocoon.Nano, v T) trace {
	s.t.Helper()
	s.requireRefused(s.t, errTrailing, s.job, func() trace {
		return s.send(from, chain.Message{To: s.job, Amount: ton(20), Bounce: true, Body: longer(body(s.t, v))})
	})
	return s.requireLeast(s.t, s.job, fee, func(value cocoon.Nano) trace { return request(s, from, value, v) })
}

func (s *jobStory) fees() wrappers.JobFees {
	s.t.Helper()
	f, err := wrappers.GetJobFees(context.Background(), s, s.job)
	require.NoError(s.t, err)
	return f
}

// escrow is the least that opens the job.
func (s *jobStory) escrow() cocoon.Nano {
	s.t.Helper()
	return plus(s.t, s.offer.Money.Budget.Nano, s.fees().OpenJob)
}

// stake is the least that disputes the job before an arbiter.
func (s *jobStory) stake() cocoon.Nano {
	s.t.Helper()
	return plus(s.t, s.offer.Money.Deposit.Nano, s.fees().Dispute)
}

func (s *jobStory) state() wrappers.Job {
	s.t.Helper()
	j, err := wrappers.DecodeJob(s.data(s.job))
	require.NoError(s.t, err)
	require.Equal(s.t, s.offer, j.Offer, "the offer never changes")
	return j
}

func (s *jobStory) accept(bond cocoon.Nano) wrappers.Accept {
	return wrappers.Accept{QueryID: 2, Bond: coins(bond), Code: 1, Owner: s.birth.Owner, Index: s.birth.Index, Worker: publicOf("worker"), Response: wallet("change")}
}

func (s *jobStory) delivery(amount cocoon.Nano) wrappers.Delivery {
	return wrappers.Delivery{GlobalID: globalID, Contract: s.job, ResultHash: [32]byte{9}, Amount: coins(amount), Prompt: 1, Cached: 2, Completion: 3, Reasoning: 4}
}

func (s *jobStory) deliver(d wrappers.Delivery) wrappers.Deliver {
	return s.deliverSignedBy("worker", d)
}

func (s *jobStory) deliverSignedBy(name string, d wrappers.Delivery) wrappers.Deliver {
	s.t.Helper()
	m, err := d.Sign(keyOf(name), 3, wallet("change"))
	require.NoError(s.t, err)
	return m
}

// requireSolvent wants the job to hold what it owes, and the books to add up.
func (s *jobStory) requireSolvent() {
	s.t.Helper()
	j, owed := s.state(), cocoon.Nano{}
	switch m := s.offer.Money; j.Phase {
	case wrappers.JobOpen:
		owed = m.Budget.Nano
	case wrappers.JobAccepted, wrappers.JobDelivered:
		owed = plus(s.t, m.Budget.Nano, j.Bound.Bond.Nano)
	case wrappers.JobDisputed:
		owed = plus(s.t, m.Deposit.Nano, plus(s.t, m.Budget.Nano, j.Bound.Bond.Nano))
	}
	require.NotEqual(s.t, -1, s.balance(s.job).Cmp(owed), "balance >= debts")
	s.requireBooks()
}
