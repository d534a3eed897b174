package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

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
	switch is.Phase {
	case wrappers.JobOpen:
		x.owes(o.Money.Budget.Nano)
	case wrappers.JobAccepted, wrappers.JobDelivered:
		x.owes(o.Money.Budget.Nano, is.Bound.Bond.Nano)
	case wrappers.JobDisputed:
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
