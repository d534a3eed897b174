package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// offerKey lets only those accept for whom the key called offer has signed.
func offerKey(o *wrappers.JobOffer) { o.OfferKey = publicOf("offer") }

// passBy is a pass for the story's provider, changed by change and signed by name.
func (s *jobStory) passBy(name string, change func(*wrappers.PassFor)) *wrappers.Signature {
	s.t.Helper()
	p := wrappers.PassFor{GlobalID: globalID, Contract: s.job, Provider: s.provider}
	change(&p)
	sig, err := p.Sign(keyOf(name))
	require.NoError(s.t, err)
	return &sig
}

func asItIs(*wrappers.PassFor) {}

func TestJob_BindsTheProviderThatAccepts(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.advance(time.Minute)
	tr := least(s, s.provider, plus(t, ton(2), s.fees().Accept), s.accept(ton(2)))
	tr.requireOps(t, opAccept)
	j := s.state()
	require.Equal(t, wrappers.JobAccepted, j.Phase)
	require.Equal(t, s.now+uint32(jobWork/time.Second), j.Until, "work time runs from acceptance")
	require.Equal(t, &wrappers.Bound{Provider: s.provider, Worker: publicOf("worker"), Bond: coins(ton(2))}, j.Bound)
	require.Nil(t, j.Result)
	s.requireSolvent()
}

func TestJob_AcceptGivesBackWhatIsAboveBondAndFee(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	tr := request(s, s.provider, plus(t, ton(5), s.fees().Accept), s.accept(ton(2))).requireOK(t)
	tr.requireOps(t, opAccept, opExcesses)
	require.Equal(t, ton(3), tr.paidTo(t, wallet("change")))
	s.requireSolvent()
}

func TestJob_OnlyAProviderOfAListedCodeAccepts(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	refuse(s, errWrongSender, s.birth.Owner, s.accept(ton(2)))
	for name, c := range map[string]struct {
		code   int32
		change func(*wrappers.Accept)
	}{
		"another owner":     {errWrongSender, func(m *wrappers.Accept) { m.Owner = wallet("other") }},
		"another index":     {errWrongSender, func(m *wrappers.Accept) { m.Index++ }},
		"another code":      {errWrongSender, func(m *wrappers.Accept) { m.Code = 0 }},
		"no code":           {errUnknownCode, func(m *wrappers.Accept) { m.Code = 2 }},
		"no such place":     {errUnknownCode, func(m *wrappers.Accept) { m.Code = 3 }},
		"less than a bond":  {errNotEnoughBond, func(m *wrappers.Accept) { m.Bond = coins(less1(t, ton(1))) }},
		"more than it sent": {errNotEnoughValue, func(m *wrappers.Accept) { m.Bond = coins(ton(20)) }},
	} {
		t.Log(name)
		m := s.accept(ton(2))
		c.change(&m)
		refuse(s, c.code, s.provider, m)
	}
	request(s, s.provider, ton(3), s.accept(ton(1))).requireOK(t)
	s.requireSolvent()
}

func TestJob_AProviderOfAnotherRegistryIsAStranger(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	other := wrappers.ProviderBirth{Registry: wallet("other registry"), Owner: s.birth.Owner, Index: s.birth.Index}
	account, err := other.Account()
	require.NoError(t, err)
	refuse(s, errWrongSender, account, s.accept(ton(2)))
	_, err = s.offer.Terms.CodeOf(other, account)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	code, err := s.offer.Terms.CodeOf(s.birth, s.provider)
	require.NoError(t, err)
	require.EqualValues(t, 1, code)
}

func TestJob_NobodyAcceptsTooLateOrTwice(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	s.advance(jobAcceptIn)
	refuse(s, errTooLate, s.provider, s.accept(ton(2)))
	s = openJob(t)
	s.advance(jobAcceptIn - time.Second)
	request(s, s.provider, ton(3), s.accept(ton(2))).requireOK(t)
	refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
	refuse(s, errWrongPhase, s.offer.Client, wrappers.Cancel{QueryID: 1})
	s.requireSolvent()
}

func TestJob_LoserOfTheRaceGetsItsBondBack(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	request(s, s.offer.Client, s.fees().Cancel, wrappers.Cancel{QueryID: 1}).requireOK(t)
	tr := request(s, s.provider, plus(t, ton(2), s.fees().Accept), s.accept(ton(2)))
	tr.requireExit(t, errWrongPhase)
	last := tr.steps[len(tr.steps)-1]
	require.True(t, last.bounced)
	require.Equal(t, s.provider, last.to)
	require.Equal(t, 1, last.value.Cmp(ton(2).Big()), "the bond, and what was not used of the fee")
	s.requireSolvent()
}

func TestJob_OfferKeySaysWhoMayAccept(t *testing.T) {
	t.Parallel()
	s := openJob(t, offerKey)
	for name, pass := range map[string]*wrappers.Signature{
		"no pass":          nil,
		"another key":      s.passBy("other", asItIs),
		"another provider": s.passBy("offer", func(p *wrappers.PassFor) { p.Provider = wallet("other") }),
		"another job":      s.passBy("offer", func(p *wrappers.PassFor) { p.Contract = wallet("other") }),
		"another network":  s.passBy("offer", func(p *wrappers.PassFor) { p.GlobalID = -3 }),
	} {
		t.Log(name)
		m := s.accept(ton(2))
		m.Pass = pass
		refuse(s, errWrongSignature, s.provider, m)
	}
	m := s.accept(ton(2))
	m.Pass = s.passBy("offer", asItIs)
	least(s, s.provider, plus(t, ton(2), s.fees().Accept), m)
	require.Equal(t, wrappers.JobAccepted, s.state().Phase)
	s.requireSolvent()
}

func TestJob_APassNobodyAskedForIsIgnored(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	m := s.accept(ton(2))
	m.Pass = &wrappers.Signature{}
	request(s, s.provider, ton(3), m).requireOK(t)
	require.Equal(t, wrappers.JobAccepted, s.state().Phase)
}
