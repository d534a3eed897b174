package sandboxtests

import (
	"slices"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

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
