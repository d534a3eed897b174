package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// judgeRewards: one epoch at a time, whose number goes on when it has passed; the
// bond leaves when it is ripe, or as a penalty.
func (x *turn) judgeRewards(was, is wrappers.Rewards) {
	x.t.Helper()
	x.owes(is.Bond, is.Unbonding)
	x.leaving(is.Tranches, is.Unbonding)
	x.require(is.Birth == was.Birth, "the birth has changed")
	x.require(is.Number >= was.Number && is.Owed >= was.Owed, "a number fell")
	x.only(is.Bond != was.Bond, "the bond", opBond, opRequestUnbond, opFailed)
	x.only(is.Unbonding != was.Unbonding, "what is unbonding", opRequestUnbond, opWithdraw, opFailed)
	x.only(is.Owed != was.Owed, "owed", opOwe)
	x.only(is.Operator != was.Operator, "the operator", opAppoint, opSucceed)
	x.only(is.Owner != was.Owner, "the owner", opAcceptOwnership, opSucceed)
	x.only(is.TermsHash != was.TermsHash, "the terms", opTerms)
	x.by(was.Owner, opWithdraw, opRequestUnbond, opAppoint, opSetHeir, opTransferOwnership, opRotateKey, opSetEndpoint, opRefreshTerms)
	x.by(was.Birth.Registry, opTerms)
	x.by(was.Operator, opOpenEpoch)
	x.by(was.NextOwner, opAcceptOwnership)
	x.by(was.Heir, opSucceed)
	x.by(was.Pending, opFailed)
	x.require(is.Keys.Of(was.Number) == was.Keys.Of(was.Number) || was.Keys.Of(was.Number) == [32]byte{}, "the key of receipts that are out has changed")
	x.require(is.Keys.Of(was.Number+1) == was.Keys.Of(was.Number+1) || was.Keys.Of(was.Number) == [32]byte{}, "the key of receipts that are out has changed")
	x.judgeCount(was, is)
	if x.works() {
		x.judgeRewardsMoney(was, is)
	}
}

// judgeCount: number, attempt and the pending epoch.
func (x *turn) judgeCount(was, is wrappers.Rewards) {
	x.t.Helper()
	moved := is.Number != was.Number || is.Attempt != was.Attempt
	x.require(!moved || x.step.from == was.Pending && is.Pending.IsZero(), "the count went on without the pending epoch")
	x.require(is.Number == was.Number || is.Number == was.Number+1 && is.Attempt == 0 && x.op == opPassed, "number %d after %d", is.Number, was.Number)
	x.require(is.Number != was.Number || is.Attempt == was.Attempt || is.Attempt == was.Attempt+1 && (x.op == opFailed || x.op == opBounced), "attempt %d after %d", is.Attempt, was.Attempt)
	x.require(is.Pending == was.Pending || is.Pending.IsZero() && moved || was.Pending.IsZero() && x.op == opOpenEpoch, "another epoch is pending")
}

func (x *turn) judgeRewardsMoney(was, is wrappers.Rewards) {
	x.t.Helper()
	out := x.fell(plus(x.t, was.Bond, was.Unbonding), plus(x.t, is.Bond, is.Unbonding))
	switch x.op {
	case opWithdraw:
		x.require(was.Pending.IsZero() && was.Number > was.Owed, "who owes has left")
		x.require(out.Cmp(x.ripe(was.Tranches)) <= 0 && x.spent().Cmp(out) <= 0, "%s of the bond left, and %s were ripe", out, x.ripe(was.Tranches))
	case opRequestUnbond:
		x.require(out.IsZero(), "unbonding has cost %s", out)
	case opTerms:
		x.require(is.TermsHash == was.Awaiting || is.TermsHash == was.TermsHash, "the owner has not agreed to these terms")
	case opSucceed:
		x.require(x.now >= was.SeenAt+was.Terms.HeirAfter, "the heir came too early")
	case opOpenEpoch:
		m := told[wrappers.OpenEpoch](x)
		share, err := was.Terms.Epoch.NetworkShare(m.Total.Nano)
		x.require(err == nil && was.Bond.Cmp(was.Terms.MinBond.Nano) >= 0, "it opened without a bond: %v", err)
		x.require(x.spent().Cmp(plus(x.t, m.Total.Nano, share)) <= 0, "an epoch of %s has cost %s", m.Total, x.spent())
	case opFailed:
		x.judgePenalty(told[wrappers.Failed](x), out)
	case opOwe:
		m := told[wrappers.Owe](x)
		e, err := wrappers.Decode[earned](m.Receipt)
		x.require(err == nil && e.Contract == x.at && e.Number <= was.Number+1, "it lodged what is no receipt")
		x.verified(was.Keys.Of(e.Number), m.Receipt, m.Signature)
	}
}

// judgePenalty: it is what was proven, a quarter of it the provider's.
func (x *turn) judgePenalty(m wrappers.Failed, out cocoon.Nano) {
	x.t.Helper()
	if m.Proven.IsZero() {
		x.require(out.IsZero(), "a penalty of %s for nothing", out)
		return
	}
	quarter, err := out.MulDiv(1, 4)
	x.require(err == nil && out.Cmp(m.Penalty.Nano) <= 0, "a penalty of %s for %s", out, m.Penalty)
	x.require(x.sent(opIncome, m.Proven).Cmp(quarter.Big()) == 0, "the provider does not get a quarter of %s", out)
}

// epochArrows are the phases that an epoch goes from and to by an operation.
var epochArrows = map[[2]wrappers.EpochPhase][]uint32{
	{wrappers.EpochPublishing, wrappers.EpochWindow}: {opPublish},
	{wrappers.EpochPublishing, wrappers.EpochFailed}: {opFail},
	{wrappers.EpochWindow, wrappers.EpochFailed}:     {opProve},
	{wrappers.EpochWindow, wrappers.EpochPaying}:     {opPass},
	{wrappers.EpochPaying, wrappers.EpochFinished}:   {opFinish},
}

// judgeEpoch: what was published is paid, each leaf once, or comes back whole.
func (x *turn) judgeEpoch(was, is wrappers.Epoch) {
	x.t.Helper()
	if is.Opened == nil {
		return
	}
	if was.Opened == nil {
		x.require(x.op == opOpen && x.step.from == is.Birth.Rewards && is.Phase == wrappers.EpochPublishing, "it was opened by somebody else")
		was = is
	}
	x.require(*is.Opened.Terms == *was.Opened.Terms && is.Opened.Root == was.Opened.Root && is.Opened.Total == was.Opened.Total, "the epoch has changed")
	x.require(is.Cursor >= was.Cursor && is.Published >= was.Published && is.Paid.Cmp(was.Paid) >= 0, "a cursor fell")
	x.require(is.Cursor <= is.Opened.Count && is.Published <= is.Opened.Count && is.Paid.Cmp(is.Opened.Total.Nano) <= 0, "a cursor is beyond the end")
	x.only(is.Phase != was.Phase, "the phase", epochArrows[[2]wrappers.EpochPhase{was.Phase, is.Phase}]...)
	x.only(is.Published != was.Published, "published", opPublish)
	x.only(is.Cursor != was.Cursor, "the cursor", opPush)
	x.only(is.Paid != was.Paid, "paid", opPush, opClaim)
	if is.Phase <= wrappers.EpochPaying {
		share, err := is.Opened.Terms.NetworkShare(is.Opened.Total.Nano)
		x.require(err == nil, "%v", err)
		x.owes(minus(x.t, plus(x.t, is.Opened.Total.Nano, share), is.Paid))
	}
	x.judgeTimes(was, is)
	x.judgeLeaves(was, is)
}

// judgeTimes: each phase ends when the next may begin.
func (x *turn) judgeTimes(was, is wrappers.Epoch) {
	x.t.Helper()
	early := x.now < was.Until
	if is.Published != was.Published || x.works() && x.op == opProve {
		x.require(early, "it is too late for that")
	}
	if is.Phase == was.Phase || is.Phase == wrappers.EpochWindow {
		return
	}
	switch x.op {
	case opFail, opPass:
		x.require(!early, "it is too early for that")
	case opFinish:
		x.require(!early || was.Cursor == was.Opened.Count, "it finished before its time")
	case opProve:
		x.judgeProof(was)
	}
}

// judgeProof: the receipt is of the key of this number, and the tree falls short of it.
func (x *turn) judgeProof(was wrappers.Epoch) {
	x.t.Helper()
	m := told[wrappers.Prove](x)
	x.verified(was.Opened.ReceiptKey, m.Receipt, m.Signature)
	e, err := wrappers.Decode[earned](m.Receipt)
	x.require(err == nil && e.Contract == was.Birth.Rewards && e.Number == was.Birth.Number, "it believed what is no receipt of this number")
	given := x.trees[was.Opened.Root].amountOf(e.Provider)
	x.require(given.Cmp(e.Amount.Nano) < 0, "a tree that gives %s was refuted by a receipt of %s", given, e.Amount)
}

// judgeLeaves: what left is what leaves say, each once.
func (x *turn) judgeLeaves(was, is wrappers.Epoch) {
	x.t.Helper()
	if is.Paid == was.Paid && x.op != opPush && x.op != opClaim {
		return
	}
	tree, sum := x.trees[is.Opened.Root], cocoon.Nano{}
	for _, l := range tree.leaves {
		got, err := cocoon.NanoFromBig(x.sent(opIncome, l.Provider))
		x.require(err == nil, "%v", err)
		if got.IsZero() {
			continue
		}
		way := [2]cocoon.Account{x.at, l.Provider}
		x.require(x.incomes[way].IsZero() && got == l.Amount.Nano, "a leaf of %s is paid %s after %s", l.Amount, got, x.incomes[way])
		x.incomes[way], sum = got, plus(x.t, sum, got)
	}
	x.require(plus(x.t, was.Paid, sum) == is.Paid, "%s are paid and %s noted", sum, x.fell(is.Paid, was.Paid))
	x.require(x.spent().Cmp(sum) <= 0, "pay of %s has cost %s", sum, x.spent())
}
