package sandboxtests

import (
	"crypto/ed25519"
	"slices"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// judgeChannel: money leaves by vouchers of the client's key, by a close that both
// agreed on, or to the client at its end.
func (x *turn) judgeChannel(was, is wrappers.Channel) {
	x.t.Helper()
	client := was.Birth.Client
	x.require(is.Birth == was.Birth, "the birth has changed")
	x.require(is.Settled.Cmp(was.Settled) >= 0, "settled fell")
	x.require(is.Closed || !was.Closed, "a closed channel is open")
	x.only(is.Settled != was.Settled, "settled", opSettle, opCloseNow)
	x.only(is.Closed != was.Closed, "closed", opFinish, opCloseNow)
	x.only(is.ClosesAt != was.ClosesAt, "closes_at", opRequestClose)
	x.only(is.Key != was.Key || is.Previous != was.Previous || is.PreviousUntil != was.PreviousUntil, "a key", opRotate)
	x.by(client, opOpenChannel, opRotate, opRequestClose, opCloseNow)
	if !x.works() {
		return
	}
	switch x.op {
	case opSettle:
		x.judgeSettle(was, is)
	case opCloseNow:
		m := told[wrappers.CloseNow](x)
		promise, _ := wrappers.Cell(wrappers.ClosePromise{GlobalID: globalID, Contract: x.at, Final: m.Final})
		x.verified(was.Birth.DispatcherKey, promise, m.Signature)
		x.require(is.Settled == m.Final.Nano && is.Closed && !was.Closed, "it settles %s, not %s", is.Settled, m.Final)
	case opRequestClose:
		x.require(was.ClosesAt == 0 && is.ClosesAt == x.now+was.Birth.CloseDelay, "it closes at %d", is.ClosesAt)
	case opRotate:
		x.require(x.now >= was.PreviousUntil && is.Previous == was.Key, "vouchers of a key that counts are lost")
	case opFinish:
		x.require(was.Closed || was.ClosesAt > 0 && x.now >= was.ClosesAt, "it ended before its time")
	}
}

func (x *turn) judgeSettle(was, is wrappers.Channel) {
	x.t.Helper()
	m := told[wrappers.Settle](x)
	v := voucherOver(&channelStory{channel: x.at}, m.Cumulative.Nano)
	hash, err := v.Hash()
	x.require(err == nil, "%v", err)
	key := was.Key
	if !verifies(key, hash[:], m.Signature) {
		key = was.Previous
		x.require(x.now < was.PreviousUntil && verifies(key, hash[:], m.Signature), "nobody signed that voucher")
	}
	paid := x.fell(is.Settled, was.Settled)
	x.require(!was.Closed && is.Settled.Cmp(m.Cumulative.Nano) <= 0, "more is settled than the client signed")
	x.require(x.sent(opSettlement, was.Birth.Rewards).Cmp(paid.Big()) >= 0, "the dispatcher gets less than was settled")
	x.require(x.spent().Cmp(paid) <= 0, "the escrow lost %s for %s", x.spent(), paid)
}

// judgeProvider: what is locked leaves after its unbonding or by evidence.
func (x *turn) judgeProvider(was, is wrappers.Provider) {
	x.t.Helper()
	x.owes(is.Stake, is.Unbonding)
	x.leaving(is.Tranches, is.Unbonding)
	x.require(is.Birth == was.Birth, "the birth has changed")
	x.require(is.Revision >= was.Revision, "the revision fell")
	x.only(is.Stake != was.Stake, "the stake", opStake, opUnstake, opReport)
	x.only(is.Unbonding != was.Unbonding, "what is unbonding", opUnstake, opWithdraw, opReport)
	x.only(is.Allowance != was.Allowance, "the allowance", opSetOperator, opAcceptJob, opIncome, opBounced)
	x.only(is.Operator != was.Operator, "the operator", opSetOperator)
	x.only(is.TermsHash != was.TermsHash, "the terms", opTerms)
	x.only(is.Revision != was.Revision, "the revision", opPutWorker, opRetireWorker)
	x.by(was.Birth.Owner, opUnstake, opWithdraw, opSetOperator, opRefreshTerms)
	x.by(was.Birth.Registry, opTerms)
	x.judgeWorkers(was, is)
	if x.works() || x.op == opBounced {
		x.judgeProviderMoney(was, is)
	}
}

func (x *turn) judgeProviderMoney(was, is wrappers.Provider) {
	x.t.Helper()
	locked := x.fell(plus(x.t, was.Stake, was.Unbonding), plus(x.t, is.Stake, is.Unbonding))
	switch x.op {
	case opUnstake:
		x.require(locked.IsZero(), "unstaking has cost %s", locked)
	case opWithdraw:
		x.require(locked == x.ripe(was.Tranches), "%s of the stake left, and %s were ripe", locked, x.ripe(was.Tranches))
	case opTerms:
		x.require(is.TermsHash == was.Awaiting, "the owner has not agreed to these terms")
	case opIncome:
		back := x.fell(is.Allowance, was.Allowance)
		x.require(is.Allowance.Cmp(was.Allowance) >= 0 && back.Big().Cmp(x.step.value) <= 0, "the allowance changed by %s for %s", back, x.step.value)
	case opBounced: // the whole bond, even where prices rose on the way and some of it was fees
		x.require(is.Allowance.Cmp(was.Allowance) >= 0, "the allowance fell")
	case opAcceptJob:
		x.judgeAccepting(was, is)
	case opReport:
		x.judgeReport(was, is, locked)
	}
}

func (x *turn) judgeAccepting(was, is wrappers.Provider) {
	x.t.Helper()
	m := told[wrappers.AcceptJob](x)
	x.verified(was.Operator, m.Order, m.Signature)
	o, err := wrappers.Decode[wrappers.AcceptJobOrder](m.Order)
	x.require(err == nil && o.Contract == x.at && x.now < o.ValidUntil, "it took an order that is none: %v", err)
	x.require(plus(x.t, is.Allowance, o.Bond.Nano) == was.Allowance, "the allowance is not less by the bond")
	x.require(x.spent().Cmp(o.Bond.Nano) <= 0, "a bond of %s has cost %s", o.Bond, x.spent())
	i := slices.IndexFunc(was.Workers, func(w wrappers.Worker) bool { return w.Key == o.Worker })
	x.require(i >= 0 && was.Workers[i].Active(), "a worker took a job that is not there")
}

// judgeReport: evidence costs the worker's share, once.
func (x *turn) judgeReport(was, is wrappers.Provider, locked cocoon.Nano) {
	x.t.Helper()
	m := told[wrappers.ReportEquivocation](x)
	x.verified(m.Worker, m.Certificate.Signed, m.Certificate.Signature)
	i := slices.IndexFunc(was.Workers, func(w wrappers.Worker) bool { return w.Key == m.Worker })
	x.require(i >= 0 && !was.Workers[i].Slashed && is.Workers[i].Slashed, "a worker was slashed again, or is not known")
	x.require(bitsOf(m.First.Signed) == bitsOf(m.Second.Signed), "two receipts of other scopes are no equivocation")
	due, err := was.Terms.MinGPU.Mul(uint64(was.Workers[i].GPUs))
	x.require(err == nil && locked.Cmp(due) <= 0, "%s were taken for %s", locked, due)
	x.require(x.spent().Cmp(locked) <= 0, "a report of %s has cost %s", locked, x.spent())
}

// bitsOf are those of a cell, without its references.
func bitsOf(c *cell.Cell) string {
	return string(c.MustBeginParse().MustLoadSlice(c.BitsSize()))
}

// judgeWorkers: few records, of which none comes to life again or goes before its time.
func (x *turn) judgeWorkers(was, is wrappers.Provider) {
	x.t.Helper()
	gpus := uint32(0)
	for _, w := range is.Workers {
		if w.Active() {
			gpus += uint32(w.GPUs)
		}
		x.require(!w.Slashed || !w.Active(), "a slashed worker is active")
	}
	x.require(gpus == is.GPUs && len(is.Workers) <= wrappers.MaxWorkers, "%d GPUs are active, not %d", gpus, is.GPUs)
	for _, w := range was.Workers {
		i := slices.IndexFunc(is.Workers, func(v wrappers.Worker) bool { return v.Key == w.Key })
		if i < 0 {
			x.require(x.op == opPrune && !w.Active() && x.now >= w.RetiredAt+min(was.Terms.Unbonding, 60*86400), "a record was forgotten before its time")
			continue
		}
		v := is.Workers[i]
		x.require(w.Active() || !v.Active(), "a retired worker is active again")
		x.only(v.Slashed != w.Slashed, "slashed", opReport)
		x.only(v.Active() != w.Active(), "active", opRetireWorker, opReport)
	}
	x.only(len(is.Workers) > len(was.Workers), "the register", opPutWorker)
	if x.works() && x.op == opPutWorker {
		m := told[wrappers.PutWorker](x)
		x.verified(was.Operator, m.Order, m.Signature)
		x.require(is.Revision > was.Revision, "an order was taken again")
	}
	if x.works() && x.op == opRetireWorker {
		m := told[wrappers.RetireWorker](x)
		x.verified(was.Operator, m.Order, m.Signature)
		x.require(is.Revision > was.Revision, "an order was taken again")
	}
}

// arrows are the phases that a job goes from and to by an operation.
var arrows = map[[2]wrappers.JobPhase][]uint32{
	{wrappers.JobInert, wrappers.JobOpen}:         {opOpenJob},
	{wrappers.JobInert, wrappers.JobClosed}:       {opCancel},
	{wrappers.JobOpen, wrappers.JobAccepted}:      {opAccept},
	{wrappers.JobOpen, wrappers.JobClosed}:        {opCancel, opExpire},
	{wrappers.JobAccepted, wrappers.JobDelivered}: {opDeliver},
	{wrappers.JobAccepted, wrappers.JobClosed}:    {opExpire},
	{wrappers.JobDelivered, wrappers.JobDisputed}: {opDispute},
	{wrappers.JobDelivered, wrappers.JobClosed}:   {opApprove, opFinish, opDispute},
	{wrappers.JobDisputed, wrappers.JobClosed}:    {opRule, opFinish},
}

// judgeJob: phases follow their arrows, and whoever is paid is paid as the offer says.
func (x *turn) judgeJob(was, is wrappers.Job) {
	x.t.Helper()
	o := was.Offer
	x.require(is.Offer.Salt == o.Salt, "the offer has changed")
	x.only(is.Phase != was.Phase, "the phase", arrows[[2]wrappers.JobPhase{was.Phase, is.Phase}]...)
	x.by(o.Client, opOpenJob, opCancel, opApprove, opDispute)
	x.by(o.Money.Arbiter, opRule)
	switch {
	case is.Phase == wrappers.JobOpen:
		x.owes(o.Money.Budget.Nano)
	case is.Phase == wrappers.JobAccepted || is.Phase == wrappers.JobDelivered:
		x.owes(o.Money.Budget.Nano, is.Bound.Bond.Nano)
	case is.Phase == wrappers.JobDisputed:
		x.owes(o.Money.Budget.Nano, is.Bound.Bond.Nano, o.Money.Deposit.Nano)
	}
	if is.Phase == was.Phase {
		return
	}
	switch {
	case is.Phase == wrappers.JobAccepted:
		x.require(x.now < was.Until && is.Bound.Provider == x.step.from && is.Bound.Bond.Cmp(o.Money.MinBond.Nano) >= 0, "nobody may accept like that")
		x.require(is.Until == x.now+o.Money.Work, "work ends at %d", is.Until)
		x.judgeAcceptance(o)
	case is.Phase == wrappers.JobDelivered:
		x.judgeDelivery(was, is)
	case is.Phase == wrappers.JobDisputed:
		x.require(x.now < was.Until && is.Until == x.now+o.Money.Arbitration, "arbitration ends at %d", is.Until)
	case is.Phase == wrappers.JobClosed && was.Phase > wrappers.JobOpen:
		x.judgePay(was)
	}
}

// judgeAcceptance: by a provider, who has a pass where the offer has a key.
func (x *turn) judgeAcceptance(o wrappers.JobOffer) {
	x.t.Helper()
	x.require(stateOf[wrappers.Provider](x.bazaar, x.nameOf(x.step.from)).Born, "%s is no provider", x.nameOf(x.step.from))
	if o.OfferKey == [32]byte{} {
		return
	}
	m := told[wrappers.Accept](x)
	pass, err := wrappers.Cell(wrappers.PassFor{GlobalID: globalID, Contract: x.at, Provider: x.step.from})
	x.require(err == nil && m.Pass != nil, "it accepted without a pass")
	x.verified(o.OfferKey, pass, m.Pass.Bytes)
}

func (x *turn) judgeDelivery(was, is wrappers.Job) {
	x.t.Helper()
	m := told[wrappers.Deliver](x)
	x.verified(was.Bound.Worker, m.Delivery, m.Signature)
	x.require(is.Until == x.now+was.Offer.Money.Review, "the review ends at %d", is.Until)
	x.require(!is.Result.Amount.IsZero() && is.Result.Amount.Cmp(was.Offer.Money.Budget.Nano) <= 0, "it asks for %s", is.Result.Amount)
}

// judgePay: the provider gets what its part and its bond are, to the nanoTON.
func (x *turn) judgePay(was wrappers.Job) {
	x.t.Helper()
	early := x.now < was.Until
	v, want := wrappers.JobVerdict{}, cocoon.Nano{}
	var err error
	switch {
	case x.op == opExpire:
		x.require(!early, "it expired before its time")
	case x.op == opApprove || x.op == opFinish && was.Phase == wrappers.JobDelivered:
		x.require(!early || x.op == opApprove, "it finished before its time")
		v.Bond = was.Bound.Bond.Nano
		v.JobPay, err = was.Offer.Divide(was.Result.Amount.Nano)
	case x.op == opRule:
		x.require(early, "the ruling came too late")
		v, err = was.Offer.Rule(was.Result.Amount.Nano, was.Bound.Bond.Nano, told[wrappers.Rule](x))
	default:
		x.require(early == (x.op == opDispute), "it is not the time for that")
		v, err = was.Offer.Default(was.Result.Amount.Nano, was.Bound.Bond.Nano)
	}
	x.require(err == nil, "%v", err)
	want = plus(x.t, v.Provider, v.Bond)
	got := x.sent(opIncome, was.Bound.Provider)
	x.require(got.Cmp(want.Big()) == 0, "the provider gets %s, not %s", got, want)
	x.require(x.holds.IsZero(), "%s are left in a closed job", x.holds)
}

// verifies reports whether key signed hash.
func verifies(key [32]byte, hash []byte, signature [64]byte) bool {
	return ed25519.Verify(key[:], hash, signature[:])
}
