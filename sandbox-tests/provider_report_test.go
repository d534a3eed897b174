package sandboxtests

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestProvider_EquivocationCostsTheWorkersShareOfTheStake(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	free, allowance := s.free(), s.state().Allowance
	m := s.evidence("worker").message(t)
	tr := requireExactValue(s, wallet("anyone"), s.fees().ReportEquivocation, m)
	tr.requireOps(t, opReport, opPayout, opPayout)
	require.Equal(t, ton(4).Big(), tr.steps[1].value, "a fifth of the 20 TON that a GPU stands for")
	require.Equal(t, wallet("reporter"), tr.steps[1].to)
	require.Equal(t, ton(16).Big(), tr.steps[2].value)
	require.Equal(t, wallet("treasury"), tr.steps[2].to)
	p := s.state()
	require.Equal(t, ton(80), p.Stake)
	require.Zero(t, p.GPUs)
	require.Equal(t, allowance, p.Allowance)
	w := s.worker("worker")
	require.True(t, w.Slashed)
	require.Equal(t, s.now, w.RetiredAt)
	s.requireFree(free, s.fees().ReportEquivocation) // whoever reports pays for it
	money, err := wrappers.GetProviderMoney(context.Background(), s, s.provider)
	require.NoError(t, err)
	require.Equal(t, ton(50), *money.Required)
	s.requireSolvent()
}

func TestProvider_ExcessOfAReportComesBackWithTheFifth(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	tr := ask(s, wallet("anyone"), plus(t, s.fees().ReportEquivocation, ton(3)), s.evidence("worker").message(t)).requireOK(t)
	tr.requireOps(t, opReport, opPayout, opPayout)
	s.requireTaken(tr, ton(20), ton(3))
}

func TestProvider_ReportIsBoundToTheWorkerAndItsSession(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.putWorker("second", workerRecordOf(1)).requireOK(t)
	identity := [32]byte{1}
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code   int32
			change func(*evidence)
		}{
			"a certificate by another key":            {errWrongSignature, func(e *evidence) { e.certifier = keyOf("operator") }},
			"another worker's certificate":            {errWrongSignature, func(e *evidence) { e.certifier = keyOf("second") }},
			"a worker nobody knows":                   {errUnknownWorker, func(e *evidence) { e.worker, e.certifier = "stranger", keyOf("stranger") }},
			"a certificate for another network":       {errWrongNetwork, func(e *evidence) { e.certificate.GlobalID = -3 }},
			"a certificate for another provider":      {errWrongContract, func(e *evidence) { e.certificate.Provider = wallet("other") }},
			"receipts by a key not certified":         {errWrongSignature, func(e *evidence) { e.session = keyOf("other session") }},
			"receipts by the worker key itself":       {errWrongSignature, func(e *evidence) { e.session = keyOf("worker") }},
			"the zero key for a session":              {errWrongKey, func(e *evidence) { e.certificate.SessionKey = [32]byte{} }},
			"the identity for a session":              {errWrongKey, func(e *evidence) { e.certificate.SessionKey = identity }},
			"one receipt twice":                       {errWrongEvidence, func(e *evidence) { e.second = e.first }},
			"receipts of another network":             {errWrongNetwork, both(func(u *receipt.Usage) { u.GlobalID = -3 })},
			"receipts for another provider":           {errWrongContract, both(func(u *receipt.Usage) { u.Provider = wallet("other") })},
			"receipts of another worker":              {errWrongEvidence, both(func(u *receipt.Usage) { u.Worker = publicOf("second") })},
			"receipts of another boot":                {errWrongEvidence, both(func(u *receipt.Usage) { u.Boot[0]++ })},
			"a second receipt of another network":     {errWrongEvidence, second(func(u *receipt.Usage) { u.GlobalID = -3 })},
			"a second receipt of another provider":    {errWrongEvidence, second(func(u *receipt.Usage) { u.Provider = wallet("other") })},
			"a second receipt for another dispatcher": {errWrongEvidence, second(func(u *receipt.Usage) { u.Rewards = wallet("other") })},
			"a second receipt of another worker":      {errWrongEvidence, second(func(u *receipt.Usage) { u.Worker = publicOf("second") })},
			"a second receipt of another boot":        {errWrongEvidence, second(func(u *receipt.Usage) { u.Boot[0]++ })},
			"a second receipt of another number":      {errWrongEvidence, second(func(u *receipt.Usage) { u.Number++ })},
		} {
			t.Log(name)
			e := s.evidence("worker")
			c.change(&e)
			s.requireRefused(c.code, ask(s, wallet("anyone"), ton(1), e.message(t)))
		}
	})
	s.report("worker").requireOK(t)
}

// both changes the scope of both receipts.
func both(change func(*receipt.Usage)) func(*evidence) {
	return func(e *evidence) { change(&e.first); change(&e.second) }
}

func second(change func(*receipt.Usage)) func(*evidence) {
	return func(e *evidence) { change(&e.second) }
}

// Anything that differs in what the receipts say is an equivocation.
func TestProvider_AnyOtherContentContradicts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*receipt.Content){
		"request":    func(c *receipt.Content) { c.Request[0]++ },
		"attempt":    func(c *receipt.Content) { c.Attempt++ },
		"reason":     func(c *receipt.Content) { c.Reason++ },
		"route":      func(c *receipt.Content) { c.Route[0]++ },
		"frames":     func(c *receipt.Content) { c.Frames[0]++ },
		"usage":      func(c *receipt.Content) { c.Usage.Reasoning++ },
		"price":      func(c *receipt.Content) { c.Price.Cached = cocoon.NanoOf(1) },
		"cost alone": func(c *receipt.Content) { c.Cost = cocoon.NanoOf(1) },
	} {
		s := workingProvider(t)
		e := s.evidence("worker")
		e.second = e.first
		change(&e.second.Content)
		tr := ask(s, wallet("anyone"), s.fees().ReportEquivocation, e.message(t)).requireOK(t)
		t.Log(name)
		s.requireTaken(tr, ton(20), cocoon.Nano{})
	}
}

// A key under which anything verifies before TVM 14 must not be believed.
func TestProvider_ForgedEvidenceUnderWeakKeysIsRefused(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	good := s.evidence("worker").message(t)
	forge := func(c *wrappers.SignedCell) *wrappers.SignedCell {
		return &wrappers.SignedCell{Signature: [64]byte{1}, Signed: c.Signed} // R is the identity, S is zero
	}
	s.unchanged(func() {
		for _, weak := range [][32]byte{{}, {1}} {
			m := good
			m.Worker, m.Certificate, m.First, m.Second = weak, forge(good.Certificate), forge(good.First), forge(good.Second)
			s.requireRefused(errUnknownWorker, ask(s, wallet("anyone"), ton(1), m))
			e := s.evidence("worker")
			e.certificate.SessionKey = weak
			m = e.message(t)
			m.First, m.Second = forge(m.First), forge(m.Second)
			s.requireRefused(errWrongKey, ask(s, wallet("anyone"), ton(1), m))
		}
	})
}

func TestProvider_EvidenceIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	e := s.evidence("worker")
	certificate, err := e.certificate.Cell()
	require.NoError(t, err)
	first, err := e.first.Cell()
	require.NoError(t, err)
	other, err := e.second.Cell()
	require.NoError(t, err)
	resign := func(name string, c rawCell) *wrappers.SignedCell {
		signed, sig, err := wrappers.Sign(c, keyOf(name))
		require.NoError(t, err)
		return &wrappers.SignedCell{Signature: sig.Bytes, Signed: signed}
	}
	good := e.message(t)
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code int32
			m    func(m *wrappers.ReportEquivocation)
		}{
			"a longer certificate": {errTrailing, func(m *wrappers.ReportEquivocation) { m.Certificate = resign("worker", rawCell{longer(certificate)}) }},
			"longer receipts": {errTrailing, func(m *wrappers.ReportEquivocation) {
				m.First, m.Second = resign("session", rawCell{longer(first)}), resign("session", rawCell{longer(other)})
			}},
			"one longer receipt": {errWrongEvidence, func(m *wrappers.ReportEquivocation) { m.Second = resign("session", rawCell{longer(other)}) }},
			"a first with more cells": {errTrailing, func(m *wrappers.ReportEquivocation) {
				m.First = resign("session", rawCell{first.ToBuilder().MustStoreRef(other).EndCell()})
			}},
			"a second with more cells": {errWrongEvidence, func(m *wrappers.ReportEquivocation) {
				m.Second = resign("session", rawCell{other.ToBuilder().MustStoreRef(first).EndCell()})
			}},
			"certificates for receipts": {errWrongEvidence, func(m *wrappers.ReportEquivocation) {
				m.First, m.Second = resign("session", rawCell{certificate}), resign("session", rawCell{certificate})
			}},
			"a receipt for a certificate": {errWrongSignature, func(m *wrappers.ReportEquivocation) { m.Certificate = resign("worker", rawCell{first}) }},
		} {
			t.Log(name)
			m := good
			c.m(&m)
			s.requireRefused(c.code, ask(s, wallet("anyone"), ton(1), m))
		}
	})
}

func TestProvider_TimeOfACertificateDoesNotMatterToAReport(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	e := s.evidence("worker")
	s.advance(10 * unbonding)
	s.requireTaken(ask(s, wallet("anyone"), s.fees().ReportEquivocation, e.message(t)).requireOK(t), ton(20), cocoon.Nano{})
}

func TestProvider_RetiredWorkerIsReportableUntilItIsPruned(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.retireWorker("worker").requireOK(t)
	retiredAt := s.now
	s.advance(unbonding) // it may be pruned, and was not
	s.requireTaken(s.report("worker").requireOK(t), ton(20), cocoon.Nano{})
	w := s.worker("worker")
	require.True(t, w.Slashed)
	require.Equal(t, retiredAt, w.RetiredAt)
	require.Zero(t, s.state().GPUs, "counted out once")
	ask(s, wallet("anyone"), s.fees().Prune, s.prune("worker")).requireOK(t)
	require.Empty(t, s.state().Workers)
	s.unchanged(func() { s.requireRefused(errUnknownWorker, s.report("worker")) })
}

func TestProvider_OneRecordIsSlashedOnce(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.putWorker("second", workerRecordOf(1)).requireOK(t)
	m := s.evidence("worker").message(t)
	ask(s, wallet("anyone"), s.fees().ReportEquivocation, m).requireOK(t)
	e := s.evidence("worker")
	e.first.Number, e.second.Number = 8, 8
	s.unchanged(func() {
		s.requireRefused(errAlreadySlashed, ask(s, wallet("anyone"), s.fees().ReportEquivocation, m))
		s.requireRefused(errAlreadySlashed, ask(s, wallet("anyone"), s.fees().ReportEquivocation, e.message(t)))
	})
	require.Equal(t, ton(80), s.state().Stake, "one leaked key costs its own share")
	require.EqualValues(t, 1, s.state().GPUs)
	s.requireTaken(s.report("second").requireOK(t), ton(20), cocoon.Nano{})
	require.Equal(t, ton(60), s.state().Stake)
}

func TestProvider_SlashedRecordIsDeadUntilItIsPruned(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.stake(ton(100)).requireOK(t)
	job := s.taker()
	order, change := s.acceptOrder(job, ton(1)), workerRecordOf(1)
	s.report("worker").requireOK(t)
	s.unchanged(func() {
		s.requireRefused(errWorkerInactive, s.acceptJob(order)) // it was on its way
		s.requireRefused(errWorkerInactive, s.putWorker("worker", change))
		s.requireRefused(errWorkerInactive, s.retireWorker("worker"))
		s.advance(unbonding - time.Second)
		s.requireRefused(errTooEarly, ask(s, wallet("anyone"), ton(1), s.prune("worker")))
		s.advance(time.Second)
	})
	requireExactValue(s, wallet("anyone"), s.fees().Prune, s.prune("worker")).requireOps(t, opPrune)
	require.Empty(t, s.state().Workers)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	require.False(t, s.worker("worker").Slashed)
	require.EqualValues(t, 1, s.state().GPUs)
	s.requireSolvent()
}

// Who registers a key again stands for all that it ever signed.
func TestProvider_KeyThatIsRegisteredAgainIsReportableAgain(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	m := s.evidence("worker").message(t)
	ask(s, wallet("anyone"), s.fees().ReportEquivocation, m).requireOK(t)
	s.advance(unbonding)
	ask(s, wallet("anyone"), s.fees().Prune, s.prune("worker")).requireOK(t)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	s.requireTaken(ask(s, wallet("anyone"), s.fees().ReportEquivocation, m).requireOK(t), ton(20), cocoon.Nano{})
}

func TestProvider_OthersWorkOnBesideASlashedWorker(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.stake(ton(100)).requireOK(t)
	s.putWorker("second", workerRecordOf(2)).requireOK(t)
	s.report("worker").requireOK(t)
	o := s.acceptOrder(s.taker(), ton(1))
	o.Worker = publicOf("second")
	s.acceptJob(o).requireOK(t).requireOps(t, opAcceptJob, opAccept)
	changed := workerRecordOf(2)
	changed.Concurrency++
	s.putWorker("second", changed).requireOK(t)
	s.putWorker("third", workerRecordOf(1)).requireOK(t)
	s.retireWorker("second").requireOK(t)
	s.advance(unbonding)
	for _, name := range []string{"second", "worker"} { // the dead one last
		ask(s, wallet("anyone"), s.fees().Prune, s.prune(name)).requireOK(t)
	}
	require.Len(t, s.state().Workers, 1)
	require.EqualValues(t, 1, s.state().GPUs)
	s.requireSolvent()
}

func TestProvider_SlashTakesTheStakeThenTheNewestTranches(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 70)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(5))
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	for _, amount := range []uint64{40, 4, 3, 13} { // 10 are left
		s.unstake(ton(amount)).requireOK(t)
		s.advance(time.Second)
	}
	at := s.state().Tranches
	s.requireTaken(s.report("worker").requireOK(t), ton(20), cocoon.Nano{})
	p := s.state()
	require.True(t, p.Stake.IsZero())
	require.Equal(t, ton(50), p.Unbonding)
	require.Equal(t, []wrappers.Tranche{at[0], at[1], at[2], {At: at[3].At, Amount: ton(3)}}, p.Tranches)
}

func TestProvider_SlashSkipsNoTrancheOnItsWayBack(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 70)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(5))
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	for _, amount := range []uint64{55, 4, 6, 5} {
		s.unstake(ton(amount)).requireOK(t)
		s.advance(time.Second)
	}
	s.requireTaken(s.report("worker").requireOK(t), ton(20), cocoon.Nano{})
	p := s.state()
	require.Len(t, p.Tranches, 1, "three are gone, and 5 of the oldest")
	require.Equal(t, ton(50), p.Tranches[0].Amount)
	s.advance(unbonding)
	tr := s.withdraw(ton(50)).requireOK(t)
	require.Equal(t, ton(50), tr.paidTo(t, s.owner))
	s.requireSolvent()
}

func TestProvider_SlashTakesNoMoreThanThereIs(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 70)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	s.unstake(ton(66)).requireOK(t)
	s.advance(unbonding)
	s.topUp(ton(9))
	s.withdraw(ton(66)).requireOK(t)
	free := s.free()
	s.requireTaken(s.report("worker").requireOK(t), ton(4), cocoon.Nano{})
	p := s.state()
	require.True(t, p.Stake.IsZero())
	require.True(t, s.worker("worker").Slashed)
	require.NotEqual(t, -1, s.free().Cmp(free), "free balance is not stake")
}

func TestProvider_ReportOfNothingToTakeStillKillsTheRecord(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 70)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	s.topUp(ton(1))
	s.unstake(ton(70)).requireOK(t)
	s.advance(unbonding)
	s.withdraw(ton(70)).requireOK(t)
	s.report("worker").requireOK(t).requireOps(t, opReport)
	require.True(t, s.worker("worker").Slashed)
	s.requireSolvent()
}

// The terms of the report's moment count, which the owner has chosen.
func TestProvider_SlashGoesByTheTermsTaken(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	other := s.terms
	other.Provider = &wrappers.ProviderTerms{MinProvider: coins(ton(50)), MinGPU: coins(ton(7)), Unbonding: 86400, Treasury: wallet("another treasury")}
	s.takeTerms(other)
	tr := s.report("worker").requireOK(t)
	require.Equal(t, cocoon.NanoOf(1_400_000_000), tr.paidTo(t, wallet("reporter")))
	require.Equal(t, cocoon.NanoOf(5_600_000_000), tr.paidTo(t, wallet("another treasury")))
	s.requireSolvent()
}

func TestProvider_GetWorkerTellsOfASlash(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	key := publicOf("worker")
	ask := func() (all []int64) {
		values, err := s.Get(context.Background(), s.provider, "get_worker", new(big.Int).SetBytes(key[:]))
		require.NoError(t, err)
		for _, i := range []int{0, 1, 2, 4} {
			all = append(all, integer(t, values[i]))
		}
		return all
	}
	require.Equal(t, []int64{-1, 0, 1, 0}, ask())
	s.report("worker").requireOK(t)
	require.Equal(t, []int64{-1, int64(s.now), 1, -1}, ask())
}

func TestProvider_ReportToAShellComesBack(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.unchanged(func() {
		tr := ask(s, wallet("anyone"), ton(1), s.evidence("worker").message(t))
		s.requireRefused(errUnknownWorker, tr)
		require.True(t, tr.steps[1].bounced)
	})
}

// A bond on its way is free balance of before: a slash in between takes none of it.
func TestProvider_BondThatComesBackAfterASlashIsWhole(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.acceptJob(s.acceptOrder(s.taker(), ton(10))).requireOK(t)
	s.report("worker").requireOK(t)
	free := s.free()
	s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(11), Body: body(t, wrappers.Income{Bond: coins(ton(10))})}).requireOK(t)
	require.Equal(t, ton(30), s.state().Allowance)
	require.Equal(t, 1, s.free().Cmp(plus(t, free, ton(10))))
	s.requireSolvent()
}
