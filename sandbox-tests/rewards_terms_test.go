package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func hashOf(t *testing.T, terms wrappers.Terms) [32]byte {
	t.Helper()
	hash, err := terms.Hash()
	require.NoError(t, err)
	return hash
}

func TestRewards_TakesOnlyTheTermsItsOwnerConsentedTo(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	hash := hashOf(t, s.terms)
	other := rewardsTerms(t)
	other.Rewards.Unbonding++
	ignored := func(terms wrappers.Terms) {
		t.Helper()
		before, held := s.data(s.rewards).Hash(), s.balance(s.rewards)
		tr := s.answer(ton(1), terms).requireOK(t)
		tr.requireOps(t, opTerms, opExcesses)
		require.Equal(t, s.owner, tr.steps[1].to, "the value goes back")
		require.Equal(t, before, s.data(s.rewards).Hash())
		require.Equal(t, held, s.balance(s.rewards))
	}
	ignored(s.terms) // nobody asked
	s.requireRefused(t, errWrongTerms, s.rewards, func() trace { return s.refresh([32]byte{}) })
	requireGuarded(s, s.owner, s.fees(0).RefreshTerms, wrappers.RefreshTerms{Hash: hash}).requireOps(t, opRefreshTerms, opRequestTerms)
	require.Equal(t, hash, s.state().Awaiting)
	ignored(other)
	for _, stranger := range []cocoon.Account{wallet("stranger"), s.owner} {
		s.requireRefused(t, errWrongSender, s.rewards, func() trace {
			return try(s, stranger, ton(1), wrappers.TermsAnswer{Terms: body(t, s.terms)})
		})
	}
	s.answer(ton(1), s.terms).requireOK(t).requireOps(t, opTerms, opExcesses)
	r := s.state()
	require.Equal(t, hash, r.TermsHash)
	require.Zero(t, r.Awaiting)
	require.Equal(t, body(t, *s.terms.Rewards).Hash(), body(t, *r.Terms).Hash())
	ignored(s.terms) // a replay
	s.requireBooks()
}

func TestRewards_RefreshBringsEnoughForTheWayBack(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	tr := s.refresh(hashOf(t, s.terms)).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, s.registry).Cmp(cocoon.Nano{}))
	s.requireLeast(t, s.rewards, s.leastAnswer(), func(value cocoon.Nano) trace { return s.answer(value, s.terms) })
	s.requireBooks()
}

// leastAnswer is what terms must bring: its gas and the change, at the live prices.
func (s *rewardsStory) leastAnswer() cocoon.Nano {
	s.t.Helper()
	change := minus(s.t, s.fees(0).Appoint, s.gasFee(constantOf(s.t, "gas::appoint")))
	return plus(s.t, s.gasFee(constantOf(s.t, "gas::rewards_terms")), change)
}

func TestRewards_ForgetsTermsItCouldNotAskFor(t *testing.T) {
	t.Parallel()
	s := unbornRewards(t)
	s.birth.Registry = wallet("no registry") // what it is asked comes back
	var err error
	s.rewards, err = s.birth.Account()
	require.NoError(t, err)
	init, err := s.birth.Init()
	require.NoError(t, err)
	s.send(s.owner, chain.Message{To: s.rewards, Amount: ton(1), Init: init}).requireOK(t)
	tr := s.refresh([32]byte{1})
	tr.requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	require.Zero(t, tr.steps[2].exit)
	require.Zero(t, s.state().Awaiting)
	s.requireBooks()
}

func TestRewards_ClampsTermsWhoeverWroteThem(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	greedy := rewardsTerms(t)
	const most = 1<<32 - 1
	greedy.Rewards.Unbonding = most
	greedy.Rewards.Epoch = &wrappers.EpochTerms{Publish: most, Window: most, Expiry: most, NetworkBps: 1<<16 - 1, Treasury: wallet("treasury")}
	s.takeTerms(greedy)
	r := s.state()
	require.EqualValues(t, 60*86400, r.Terms.Unbonding)
	require.Equal(t, wrappers.EpochTerms{Publish: 7 * 86400, Window: 7 * 86400, Expiry: 365 * 86400, NetworkBps: 500, Treasury: wallet("treasury")}, *r.Terms.Epoch)
	require.Equal(t, hashOf(t, greedy), r.TermsHash)
	e, tr := s.openEpoch(leavesWorth(t, 5, ton(60)))
	tr.requireOK(t)
	require.Equal(t, *r.Terms.Epoch, *e.state().Opened.Terms)
	s.requireBooks()
}

func TestRewards_RefusesTermsItCannotKeep(t *testing.T) {
	t.Parallel()
	tall := cell.BeginCell().EndCell()
	for range 48 {
		tall = cell.BeginCell().MustStoreUInt(1, 8).MustStoreRef(tall).EndCell()
	}
	// 48 cells of these bits in all
	wide := func(bits uint) *cell.Cell {
		return cell.BeginCell().MustStoreSlice(make([]byte, 125), bits-47*660).MustStoreRef(chainOf(47, 660)).EndCell()
	}
	for name, story := range map[string]struct {
		code *cell.Cell
		exit int32
	}{"too many cells": {tall, errTooManyCells}, "a bit too many": {wide(32_001), errWrongTerms}} {
		s := newRewards(t)
		terms := rewardsTerms(t)
		terms.Rewards.EpochCode = story.code
		cells, bits := sizeOf(story.code)
		require.True(t, cells > 48 || bits > 32_000, name)
		s.refresh(hashOf(t, terms)).requireOK(t)
		s.requireRefused(t, story.exit, s.rewards, func() trace { return s.answer(ton(1), terms) })
	}
	s := newRewards(t)
	terms := rewardsTerms(t)
	terms.Rewards.EpochCode = wide(32_000)
	s.refresh(hashOf(t, terms)).requireOK(t)
	s.answer(ton(1), terms).requireOK(t)
	require.Equal(t, hashOf(t, terms), s.state().TermsHash, "48 cells and 32,000 bits may be")
}

func TestRewards_RefusesTermsThatAreNotRead(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	whole := body(t, s.terms)
	provider, rewards := whole.MustPeekRef(0), whole.MustPeekRef(1)
	for name, c := range map[string]*cell.Cell{
		"a bit too many":            longer(whole),
		"a bit too many in rewards": cell.BeginCell().MustStoreRef(provider).MustStoreRef(longer(rewards)).EndCell(),
		"nothing":                   cell.BeginCell().EndCell(),
	} {
		s.refresh([32]byte(c.Hash())).requireOK(t)
		s.received.Add(s.received, ton(1).Big())
		s.requireRefused(t, errTrailing, s.rewards, func() trace {
			return s.from(s.registry, message(s, ton(1), wrappers.TermsAnswer{Terms: c}))
		})
		require.Nil(t, s.state().Terms, name)
	}
}

func TestRewards_NewTermsLeaveAPendingEpochAlone(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	e, tr := s.openEpoch(leavesWorth(t, 5, ton(60)))
	tr.requireOK(t)
	changed := rewardsTerms(t)
	changed.Rewards.Epoch = &wrappers.EpochTerms{Publish: 1, Window: 1, Expiry: 1, NetworkBps: 5, Treasury: wallet("other")}
	s.takeTerms(changed)
	require.Equal(t, e.epoch, s.state().Pending)
	e.publish()
	s.advance(time.Minute)
	s.requireRefused(t, errTooEarly, e.epoch, func() trace { return tell(e, ton(1), wrappers.Pass{}) })
	e.pass()
	require.EqualValues(t, 2, s.state().Number)
	s.requireBooks()
}

// A message that came back and cannot be read must not stop the contract.
func TestRewards_BounceOfAnythingNeverFails(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	for _, b := range []*cell.Cell{cell.BeginCell().EndCell(), cell.BeginCell().MustStoreUInt(3, 2).EndCell(),
		cell.BeginCell().MustStoreUInt(0xffffffff, 32).EndCell(), cell.BeginCell().MustStoreUInt(0xfffffffe, 32).EndCell()} {
		c, err := tlb.ToCell(&tlb.InternalMessage{IHRDisabled: true, Bounced: true, SrcAddr: chain.Address(wallet("stranger")), DstAddr: chain.Address(s.rewards),
			Amount: tlb.FromNanoTON(ton(1).Big()), CreatedLT: s.lt, CreatedAt: s.now, Body: b})
		require.NoError(t, err)
		before := s.data(s.rewards).Hash()
		s.run(c).requireBouncedQuietly(t)
		require.Equal(t, before, s.data(s.rewards).Hash())
	}
	s.requireBooks()
}

func (tr trace) requireBouncedQuietly(t rapid.TB) {
	t.Helper()
	require.Len(t, tr.steps, 1)
	require.Zero(t, tr.steps[0].exit)
	require.False(t, tr.steps[0].aborted)
}

func TestRewards_TakesTheTermsOfTheRegistry(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]*cell.Cell{"ours": rewardsTerms(t).Rewards.EpochCode, "the largest": chainOf(48, 660)} {
		g := settingUp(t)
		s := rewardsUnder(t, g.world, g.registry)
		s.terms.Rewards.EpochCode = code
		announced, err := wrappers.AnnounceTerms(1, s.terms)
		require.NoError(t, err)
		g.announce(announced).requireOK(t)
		init, err := s.birth.Init()
		require.NoError(t, err)
		s.send(s.owner, chain.Message{To: s.rewards, Amount: ton(1), Init: init}).requireOK(t)
		refresh := func(value cocoon.Nano) trace {
			return try(s, s.owner, value, wrappers.RefreshTerms{QueryID: 2, Hash: hashOf(t, s.terms)})
		}
		s.requireLeast(t, s.rewards, s.fees(0).RefreshTerms, refresh).requireOps(t, opRefreshTerms, opRequestTerms, opTerms, opExcesses)
		require.Equal(t, hashOf(t, s.terms), s.state().TermsHash, name)
		s.requireBooks()
	}
}
