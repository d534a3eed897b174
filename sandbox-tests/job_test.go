package sandboxtests

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	jobAcceptIn = 10 * time.Minute
	jobWork     = time.Hour
	jobReview   = 30 * time.Minute
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

// offerIn pays up to 10 TON for a bond of at least 1, and 4.99 bps more to the
// dispatcher than to the network.
func offerIn(t *testing.T, w *world, registry cocoon.Account) wrappers.JobOffer {
	t.Helper()
	code, err := wrappers.ProviderCode()
	require.NoError(t, err)
	return wrappers.JobOffer{
		Client: wallet("client"), Dispatcher: wallet("dispatcher"), DispatcherBps: 599, Salt: 42,
		Work: &wrappers.JobWork{Model: cocoon.NewModelID("Qwen/Qwen3-32B"), PayloadHash: [32]byte{1}, ResultKeyHash: [32]byte{2},
			Caps: &wrappers.Prices{Prompt: coins(ton(1)), Cached: coins(ton(1)), Completion: coins(ton(3)), Reasoning: coins(ton(3))}},
		Money: &wrappers.JobMoney{Budget: coins(ton(10)), MinBond: coins(ton(1)), Deposit: coins(ton(1)), AcceptBy: w.now + uint32(jobAcceptIn/time.Second),
			Work: uint32(jobWork / time.Second), Review: uint32(jobReview / time.Second), Arbitration: 3600, DefaultBps: 5000, Arbiter: wallet("arbiter")},
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
	switch j.Phase {
	case wrappers.JobOpen:
		owed = s.offer.Money.Budget.Nano
	case wrappers.JobAccepted, wrappers.JobDelivered:
		owed = plus(s.t, s.offer.Money.Budget.Nano, j.Bound.Bond.Nano)
	}
	require.NotEqual(s.t, -1, s.balance(s.job).Cmp(owed), "balance >= debts")
	s.requireBooks()
}

func TestJob_ShellOfAStrangerIsHarmless(t *testing.T) {
	t.Parallel()
	s := shell(t)
	require.Equal(t, wrappers.JobInert, s.state().Phase)
	stranger := wallet("stranger")
	refuse(s, errWrongSender, stranger, wrappers.OpenJob{QueryID: 1})
	refuse(s, errWrongSender, stranger, s.accept(ton(2)))
	refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
	refuse(s, errWrongSender, stranger, wrappers.Cancel{QueryID: 1})
	refuse(s, errWrongPhase, stranger, wrappers.Expire{QueryID: 1})
	refuse(s, errWrongPhase, stranger, s.deliver(s.delivery(ton(1))))
	refuse(s, errWrongPhase, s.offer.Client, wrappers.Approve{QueryID: 1})
	refuse(s, errWrongPhase, stranger, wrappers.Finish{QueryID: 1})
	refuse(s, errUnknownOp, stranger, wrappers.Excesses{QueryID: 1})
	request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(t)
	s.requireSolvent()
}

func TestJob_OpensForItsClientAndItsEscrowToTheNano(t *testing.T) {
	t.Parallel()
	s := shell(t)
	refuse(s, errWrongSender, s.provider, wrappers.OpenJob{QueryID: 1})
	before := s.balance(s.job)
	tr := least(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1})
	tr.requireOps(t, opOpenJob) // all of it stays
	gas := tr.steps[0].fees
	spent, err := cocoon.NanoFromBig(gas)
	require.NoError(t, err)
	require.Equal(t, minus(t, plus(t, before, s.escrow()), spent), s.balance(s.job))
	j := s.state()
	require.Equal(t, wrappers.JobOpen, j.Phase)
	require.Equal(t, s.offer.Money.AcceptBy, j.Until)
	require.Nil(t, j.Bound)
	require.Nil(t, j.Result)
	refuse(s, errWrongPhase, s.offer.Client, wrappers.OpenJob{QueryID: 1})
	s.requireSolvent()
}

func TestJob_NothingOpensThatCouldGetStuck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   int32
		change func(*wrappers.JobOffer)
	}{
		"no budget":              {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Budget = coins(cocoon.Nano{}) }},
		"deposit above the bond": {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Deposit = coins(plus(t, ton(1), cocoon.NanoOf(1))) }},
		"endless work":           {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Work = 30*86400 + 1 }},
		"endless review":         {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Review = 30*86400 + 1 }},
		"endless arbitration":    {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.Arbitration = 1<<32 - 1 }},
		"more than all":          {errWrongOffer, func(o *wrappers.JobOffer) { o.Money.DefaultBps = 10_001 }},
		"shares of all":          {errWrongOffer, func(o *wrappers.JobOffer) { o.DispatcherBps = 9_900 }},
		"shares that overflow":   {errWrongOffer, func(o *wrappers.JobOffer) { o.DispatcherBps, o.Terms.NetworkBps = 65_535, 65_535 }},
		"no provider code":       {errWrongOffer, func(o *wrappers.JobOffer) { o.Terms.Codes.List = nil }},
		"anyone's offer key":     {errWrongKey, func(o *wrappers.JobOffer) { o.OfferKey = [32]byte{1} }},
		"too late":               {errTooLate, func(o *wrappers.JobOffer) { o.Money.AcceptBy = genesis }},
	} {
		s := shell(t, c.change)
		require.Error(t, s.offer.Validate(s.now), "%s: the wrapper says so beforehand", name)
		t.Log(name)
		refuse(s, c.code, s.offer.Client, wrappers.OpenJob{QueryID: 1})
		// what reached it otherwise is not lost
		request(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}).requireOK(t).requireOps(t, opCancel, opPayout)
		s.requireSolvent()
	}
}

func TestJob_OpensAtTheBounds(t *testing.T) {
	t.Parallel()
	s := openJob(t, func(o *wrappers.JobOffer) {
		m := o.Money
		m.Work, m.Review, m.Arbitration, m.DefaultBps, m.AcceptBy = 30*86400, 30*86400, 30*86400, 10_000, genesis+1
		m.Budget, o.DispatcherBps = coins(cocoon.NanoOf(1)), 9_899
		o.Terms.Codes.List = append(o.Terms.Codes.List, wrappers.BirthCode{})
	})
	require.NoError(t, s.offer.Validate(s.now))
	require.Equal(t, wrappers.JobOpen, s.state().Phase)
	s.requireSolvent()
}

// pieces puts an offer together cell by cell, each as change says.
func pieces(t *testing.T, o wrappers.JobOffer, change func(part string, c *cell.Cell) *cell.Cell) *cell.Cell {
	t.Helper()
	put := func(part string, c *cell.Cell, refs ...*cell.Cell) *cell.Cell {
		s := c.MustBeginParse()
		n := s.BitsLeft()
		b := cell.BeginCell().MustStoreSlice(s.MustLoadSlice(n), n)
		for _, ref := range refs {
			b.MustStoreRef(ref)
		}
		return change(part, b.EndCell())
	}
	work := put("work", body(t, *o.Work), put("caps", body(t, *o.Work.Caps)))
	terms := put("terms", body(t, *o.Terms), put("codes", body(t, o.Terms.Codes)))
	return put("offer", body(t, o), work, put("money", body(t, *o.Money)), terms)
}

// openPieces has the client open a job of that offer.
func openPieces(t *testing.T, change func(part string, c *cell.Cell) *cell.Cell) (cocoon.Account, trace) {
	t.Helper()
	w := newWorld(t)
	o := offerIn(t, w, wallet("registry"))
	data := cell.BeginCell().MustStoreUInt(0, 3+32).MustStoreRef(pieces(t, o, change)).MustStoreUInt(0, 2).EndCell()
	init := &tlb.StateInit{Code: contracts.Code("job"), Data: data}
	job, err := chain.BornAccount(init)
	require.NoError(t, err)
	return job, w.send(o.Client, chain.Message{To: job, Amount: ton(20), Bounce: true, Init: init, Body: body(t, wrappers.OpenJob{QueryID: 1})})
}

func TestJob_OpensOffersOfTheSchemaOnly(t *testing.T) {
	t.Parallel()
	o := offerIn(t, newWorld(t), wallet("registry"))
	job, tr := openPieces(t, func(_ string, c *cell.Cell) *cell.Cell { return c })
	tr.requireOK(t)
	same, err := o.Account()
	require.NoError(t, err)
	require.Equal(t, same, job, "the pieces make up the offer")
	for name, damage := range map[string]func(*cell.Cell) *cell.Cell{
		"a bit too many":       longer,
		"a reference too many": func(c *cell.Cell) *cell.Cell { return c.ToBuilder().MustStoreRef(cell.BeginCell().EndCell()).EndCell() },
		"empty":                func(*cell.Cell) *cell.Cell { return cell.BeginCell().EndCell() },
		"a library":            libraryOf,
	} {
		for _, part := range []string{"offer", "work", "caps", "money", "terms", "codes"} {
			job, tr := openPieces(t, func(of string, c *cell.Cell) *cell.Cell {
				if of == part {
					return damage(c)
				}
				return c
			})
			t.Log(part, name)
			want := []int32{errTrailing, errWrongOffer} // a cell of codes is measured, the others are read
			if name == "a library" {
				want = want[1:]
			}
			require.Contains(t, want, tr.steps[0].exit)
			require.True(t, tr.steps[0].aborted)
			require.True(t, tr.steps[len(tr.steps)-1].bounced, "the escrow goes back, job %s", job)
		}
	}
}

// libraryOf is a cell that stands for c while the network keeps it.
func libraryOf(c *cell.Cell) *cell.Cell {
	lib, err := cell.BeginCell().MustStoreUInt(2, 8).MustStoreSlice(c.Hash(), 256).EndCellSpecial(true)
	if err != nil {
		panic(err)
	}
	return lib
}

func TestJob_RefundsTheClientThatCancels(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.send(wallet("stranger"), chain.Message{To: s.job, Amount: ton(3)}).requireOK(t) // a gift
	refuse(s, errWrongSender, wallet("stranger"), wrappers.Cancel{QueryID: 1})
	held := s.balance(s.job)
	tr := least(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1})
	tr.requireOps(t, opCancel, opPayout)
	require.NotEqual(t, -1, tr.paidTo(t, s.offer.Client).Cmp(held), "all that the job held")
	require.True(t, s.balance(s.job).IsZero())
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_RefundsTheClientWhenNobodyAccepts(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	expire := wrappers.Expire{QueryID: 1, Response: wallet("change")}
	s.advance(jobAcceptIn - time.Second)
	refuse(s, errTooEarly, wallet("stranger"), expire)
	s.advance(time.Second)
	held := s.balance(s.job)
	tr := least(s, wallet("stranger"), s.fees().Expire, expire)
	tr.requireOps(t, opExpire, opPayout)
	require.NotEqual(t, -1, tr.paidTo(t, s.offer.Client).Cmp(minus(t, held, cocoon.NanoOf(1000))), "all but the rent of a moment")
	require.Equal(t, wrappers.JobClosed, s.state().Phase)
	s.requireSolvent()
}

func TestJob_ExpireGivesItsCallerTheChange(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.advance(jobAcceptIn)
	tr := request(s, wallet("stranger"), plus(t, s.fees().Expire, ton(4)), wrappers.Expire{QueryID: 1, Response: wallet("change")}).requireOK(t)
	tr.requireOps(t, opExpire, opExcesses, opPayout)
	require.Equal(t, ton(4), tr.paidTo(t, wallet("change")))
	s.requireSolvent()
}

func TestJob_GetMethodSaysWhatTheStateSays(t *testing.T) {
	t.Parallel()
	for _, s := range []*jobStory{openJob(t), deliveredJob(t, ton(1))} {
		values, err := s.Get(context.Background(), s.job, "get_job")
		require.NoError(t, err)
		require.Len(t, values, 5)
		b := cell.BeginCell().MustStoreBigInt(values[0].(*big.Int), 3).MustStoreBigInt(values[1].(*big.Int), 32).MustStoreRef(values[2].(*cell.Cell))
		for _, part := range values[3:] {
			c, _ := part.(*cell.Cell)
			b.MustStoreMaybeRef(c)
		}
		got, err := wrappers.DecodeJob(b.EndCell())
		require.NoError(t, err)
		require.Equal(t, s.state(), got)
	}
}

func TestJob_BouncesOfEitherKindChangeNothing(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	for _, b := range []*cell.Cell{cell.BeginCell().EndCell(), cell.BeginCell().MustStoreUInt(0xffffffff, 32).EndCell(),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).EndCell(), cell.BeginCell().MustStoreUInt(opCancel, 32).EndCell()} {
		in := chain.Message{To: s.job, Amount: ton(1), Body: b}.Internal()
		in.SrcAddr, in.CreatedLT, in.CreatedAt, in.Bounced = chain.Address(s.offer.Client), s.lt, s.now, true
		c, err := tlb.ToCell(in)
		require.NoError(t, err)
		before := s.data(s.job).Hash()
		s.run(c).requireBouncedQuietly(t)
		require.Equal(t, before, s.data(s.job).Hash())
	}
	s.requireSolvent()
}
