package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// opens is an epoch that the dispatcher has opened.
func (s *rewardsStory) opens() *epochStory {
	s.t.Helper()
	e, tr := s.openEpoch(leavesOf(leavingLeaves))
	tr.requireOK(s.t)
	return e
}

func (s *rewardsStory) publishes() *epochStory {
	s.t.Helper()
	e := s.opens()
	e.publish()
	return e
}

func (s *rewardsStory) passes() *epochStory {
	s.t.Helper()
	e := s.publishes()
	e.pass()
	return e
}

// after is what reach reaches, so long after.
func after(reach func(*rewardsStory) *epochStory, d time.Duration) func(*rewardsStory) *epochStory {
	return func(r *rewardsStory) *epochStory {
		e := reach(r)
		e.advance(d)
		return e
	}
}

// signsReceipts names the key called receipt, which signs from this number on.
func (s *rewardsStory) signsReceipts() {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf("receipt"), globalID, s.rewards)
	require.NoError(s.t, err)
	try(s, s.state().Owner, ton(1), wrappers.RotateKey{QueryID: 1, Key: publicOf("receipt"), Possession: &possession}).requireOK(s.t)
}

// receiptOf is provider's receipt of that number, signed by the key called receipt.
func (s *rewardsStory) receiptOf(number uint32, provider cocoon.Account, amount cocoon.Nano) wrappers.SignedCell {
	s.t.Helper()
	return earnedBy(s.t, s.rewards, number, provider, amount)
}

func earnedBy(t *testing.T, rewards cocoon.Account, number uint32, provider cocoon.Account, amount cocoon.Nano) wrappers.SignedCell {
	t.Helper()
	r := signedBy(t, "receipt", earnedIn(rewards, number, provider, amount))
	return wrappers.SignedCell{Signature: r.signature, Signed: r.signed}
}

// proof says that leaf's provider has a receipt over amount.
func (s *epochStory) proof(leaf int, amount cocoon.Nano) wrappers.Prove {
	s.t.Helper()
	receipt := earnedBy(s.t, s.rewards, s.birth.Number, s.leaves[leaf].Provider, amount)
	page, err := s.tree.Proof(leaf-1, 2)
	require.NoError(s.t, err)
	return wrappers.Prove{QueryID: 8, Response: wallet("change"), Signature: receipt.Signature, Index: uint32(leaf), Receipt: receipt.Signed, Proof: page}
}

func (s *epochStory) claims(leaves ...int) {
	s.t.Helper()
	for _, i := range leaves {
		tell(s, s.fees(0).Claim, s.claim(i)).requireOK(s.t)
	}
}

// crank has strangers do what is due, at the first moment at which it is, until nothing is.
func (s *epochStory) crank() {
	s.t.Helper()
	for range 10 {
		e := s.state()
		switch e.Phase {
		case wrappers.EpochPublishing:
			s.waitUntil(e.Until)
			tell(s, s.fees(0).Fail, wrappers.Fail{Response: wallet("change")}).requireOK(s.t)
		case wrappers.EpochWindow:
			s.waitUntil(e.Until)
			tell(s, s.fees(0).Pass, wrappers.Pass{Response: wallet("change")}).requireOK(s.t)
		case wrappers.EpochPaying:
			s.push()
			tell(s, s.fees(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOK(s.t)
		case wrappers.EpochFinished, wrappers.EpochFailed: // for ever; strays are swept
			tell(s, s.fees(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOK(s.t)
			return
		default:
			require.Fail(s.t, "nobody knows the way out", "of an epoch that is %s", e.Phase)
		}
	}
	require.Fail(s.t, "the epoch never ends")
}
