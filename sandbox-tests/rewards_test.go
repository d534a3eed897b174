package sandboxtests

import (
	"context"
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

// rewardsStory is a rewards contract whose registry the test speaks for: its
// account holds no instructions, so that it takes what comes and sends nothing.
type rewardsStory struct {
	*world
	t               *testing.T
	owner, registry cocoon.Account
	rewards         cocoon.Account
	birth           wrappers.RewardsBirth
	terms           wrappers.Terms
}

func rewardsTerms(t *testing.T) wrappers.Terms {
	t.Helper()
	code, err := contracts.Load("epoch")
	require.NoError(t, err)
	return wrappers.Terms{
		Provider: &wrappers.ProviderTerms{MinProvider: wrappers.Coins{Nano: ton(50)}, MinGPU: wrappers.Coins{Nano: ton(20)},
			Unbonding: 14 * 86400, Treasury: wallet("treasury")},
		Rewards: &wrappers.RewardsTerms{MinBond: wrappers.Coins{Nano: ton(500)}, Unbonding: 14 * 86400, HeirAfter: 30 * 86400, Epoch: &epochTerms, EpochCode: code.Code},
	}
}

// unbornRewards is a story whose contract is not on chain yet.
func unbornRewards(t *testing.T) *rewardsStory {
	t.Helper()
	w, empty := newWorld(t), cell.BeginCell().EndCell()
	silent := &tlb.StateInit{Code: empty, Data: empty}
	registry, err := chain.BornAccount(silent)
	require.NoError(t, err)
	w.send(wallet("owner"), chain.Message{To: registry, Amount: ton(1), Init: silent}).requireOK(t)
	return rewardsUnder(t, w, registry)
}

func rewardsUnder(t *testing.T, w *world, registry cocoon.Account) *rewardsStory {
	t.Helper()
	s := &rewardsStory{world: w, t: t, owner: wallet("owner"), registry: registry, terms: rewardsTerms(t)}
	s.birth = wrappers.RewardsBirth{Registry: registry, Owner: s.owner, Index: 3}
	var err error
	s.rewards, err = s.birth.Account()
	require.NoError(t, err)
	return s
}

// newRewards is born, has no terms, a bond of 500 TON and a pot of 100 TON.
func newRewards(t *testing.T) *rewardsStory {
	t.Helper()
	s := unbornRewards(t)
	m := message(s, ton(501), wrappers.Bond{QueryID: 1, Amount: wrappers.Coins{Nano: ton(500)}, Response: wallet("change")})
	init, err := s.birth.Init()
	require.NoError(t, err)
	m.Init = init
	s.send(s.owner, m).requireOK(t)
	s.from(wallet("stranger"), message(s, plus(t, ton(100), s.fees(0).Fund),
		wrappers.Fund{QueryID: 2, Amount: wrappers.Coins{Nano: ton(100)}, Response: wallet("change")})).requireOK(t)
	return s
}

// withTerms is newRewards with the terms taken.
func withTerms(t *testing.T) *rewardsStory {
	t.Helper()
	s := newRewards(t)
	s.takeTerms(s.terms)
	return s
}

// withKey is withTerms with a key for its receipts.
func withKey(t *testing.T) *rewardsStory {
	t.Helper()
	s := withTerms(t)
	s.rotate("receipts").requireOK(t)
	return s
}

// rotate has the owner name the key that signs receipts.
func (s *rewardsStory) rotate(name string) trace {
	s.t.Helper()
	return try(s, s.state().Owner, ton(1), s.rotation(name))
}

func (s *rewardsStory) rotation(name string) wrappers.RotateKey {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf(name), globalID, s.rewards)
	require.NoError(s.t, err)
	return wrappers.RotateKey{QueryID: 7, Key: publicOf(name), Possession: &possession}
}

// owing is owe with a receipt of that number, signed by name.
func (s *rewardsStory) owing(number uint32, name string) wrappers.Owe {
	s.t.Helper()
	return oweOf(signedBy(s.t, name, earnedIn(s.rewards, number, providerAt(1), ton(1))))
}

func oweOf(r signedReceipt) wrappers.Owe {
	return wrappers.Owe{QueryID: 9, Response: wallet("change"), Signature: r.signature, Receipt: r.signed}
}

func message[T any](s *rewardsStory, value cocoon.Nano, v T) chain.Message {
	s.t.Helper()
	return chain.Message{To: s.rewards, Amount: value, Bounce: true, Body: body(s.t, v)}
}

func (s *rewardsStory) from(sender cocoon.Account, m chain.Message) trace {
	s.t.Helper()
	return s.send(sender, m)
}

func (s *rewardsStory) fees(count int) wrappers.RewardsFees {
	s.t.Helper()
	f, err := wrappers.GetRewardsFees(context.Background(), s, s.rewards, count)
	require.NoError(s.t, err)
	return f
}

func (s *rewardsStory) pot() cocoon.Nano {
	s.t.Helper()
	pot, err := wrappers.GetPot(context.Background(), s, s.rewards)
	require.NoError(s.t, err)
	return pot
}

func (s *rewardsStory) state() wrappers.Rewards {
	s.t.Helper()
	r, err := wrappers.DecodeRewards(s.data(s.rewards))
	require.NoError(s.t, err)
	return r
}

// refresh has the owner ask for terms with hash; the trace ends at the registry's wallet.
func (s *rewardsStory) refresh(hash [32]byte) trace {
	s.t.Helper()
	return s.from(s.owner, message(s, s.fees(0).RefreshTerms, wrappers.RefreshTerms{QueryID: 3, Hash: hash}))
}

// answer has the registry send terms. The test brings the value, so it comes from outside.
func (s *rewardsStory) answer(value cocoon.Nano, terms wrappers.Terms) trace {
	s.t.Helper()
	s.received.Add(s.received, value.Big())
	return s.from(s.registry, message(s, value, wrappers.TermsAnswer{QueryID: 3, Terms: body(s.t, terms)}))
}

func (s *rewardsStory) takeTerms(terms wrappers.Terms) {
	s.t.Helper()
	hash, err := terms.Hash()
	require.NoError(s.t, err)
	s.refresh(hash).requireOK(s.t).requireOps(s.t, opRefreshTerms, opRequestTerms)
	s.answer(ton(1), terms).requireOK(s.t)
}

// opened is an epoch of the story's rewards, as epochStory knows it.
func (s *rewardsStory) openEpoch(leaves []wrappers.Leaf) (*epochStory, trace) {
	s.t.Helper()
	tree, err := wrappers.NewEpochTree(leaves)
	require.NoError(s.t, err)
	now := s.state()
	e := &epochStory{world: s.world, t: s.t, rewards: s.rewards, tree: tree, leaves: leaves}
	e.birth = wrappers.EpochBirth{Rewards: s.rewards, Number: now.Number, Attempt: now.Attempt}
	e.epoch, err = e.birth.Account()
	require.NoError(s.t, err)
	tr := s.from(now.Operator, message(s, s.fees(len(leaves)).OpenEpoch, openMessageOf(tree)))
	return e, tr
}

func openMessageOf(tree *wrappers.EpochTree) wrappers.OpenEpoch {
	return wrappers.OpenEpoch{QueryID: 4, Root: tree.Root(), Total: wrappers.Coins{Nano: tree.Total()}, Count: uint32(tree.Len())}
}

func TestRewards_PotReachesProvidersThroughAnEpoch(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	before := s.pot()
	e, tr := s.openEpoch(leavesOf(40))
	tr.requireOK(t).requireOps(t, opOpenEpoch, opOpen, opExcesses)
	require.Equal(t, e.epoch, s.state().Pending)
	e.publish()
	e.pass().requireOps(t, opPass, opPassed, opExcesses)
	r := s.state()
	require.EqualValues(t, 2, r.Number)
	require.Zero(t, r.Attempt)
	require.True(t, r.Pending.IsZero())
	require.True(t, r.Cap.IsZero())
	e.push()
	tell(e, e.fees(0).Finish, wrappers.Finish{QueryID: 6, Response: wallet("change")}).requireOK(t).
		requireOps(t, opFinish, opPayout, opRemainder, opExcesses)
	for i := range e.leaves {
		e.requirePaid(i, true)
	}
	require.Equal(t, 1, before.Cmp(s.pot()))
	s.requireBooks()
}

func TestRewards_FailedEpochGivesEverythingBackAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	before := s.pot()
	e, tr := s.openEpoch(leavesOf(40))
	tr.requireOK(t)
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	tell(e, e.fees(0).Fail, wrappers.Fail{QueryID: 5, Response: wallet("change")}).requireOK(t).
		requireOps(t, opFail, opFailed, opExcesses)
	require.Equal(t, wrappers.EpochFailed, e.state().Phase)
	r := s.state()
	require.EqualValues(t, 1, r.Number)
	require.EqualValues(t, 1, r.Attempt)
	require.True(t, r.Pending.IsZero())
	require.Equal(t, before, r.Cap)
	require.NotEqual(t, -1, s.pot().Cmp(before), "the epoch's rent comes on top")
	retry, tr := s.openEpoch(leavesOf(40))
	tr.requireOK(t)
	require.NotEqual(t, e.epoch, retry.epoch)
	s.requireBooks()
}
