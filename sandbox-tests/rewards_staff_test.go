package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// staffed is withTerms with an operator, an heir, a next owner and a receipt key.
func staffed(t *testing.T) *rewardsStory {
	t.Helper()
	s := withTerms(t)
	try(s, s.owner, ton(1), wrappers.Appoint{Operator: wallet("operator")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.TransferOwnership{Owner: wallet("next owner")}).requireOK(t)
	s.signsReceipts()
	return s
}

// running is staffed with an epoch that is open.
func running(t *testing.T) (*rewardsStory, *epochStory) {
	t.Helper()
	s := staffed(t)
	e, tr := s.openEpoch(leavesOf(20))
	tr.requireOK(t)
	return s, e
}

// retried is the epoch of the next attempt: of the same code, number and rewards, and another one.
func (s *rewardsStory) retried() cocoon.Account {
	s.t.Helper()
	a, err := wrappers.EpochBirth{Rewards: s.rewards, Number: 1, Attempt: 1}.Account()
	require.NoError(s.t, err)
	return a
}

func (s *rewardsStory) keyMessage(name string) wrappers.RotateKey {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf(name), globalID, s.rewards)
	require.NoError(s.t, err)
	return wrappers.RotateKey{QueryID: 5, Key: publicOf(name), Possession: &possession}
}

// oweOf lodges what provider 3 has earned in a number.
func (s *rewardsStory) oweOf(number uint32) wrappers.Owe {
	s.t.Helper()
	receipt := s.receiptOf(number, providerAt(3), ton(3))
	return wrappers.Owe{QueryID: 5, Response: wallet("change"), Signature: receipt.Signature, Receipt: receipt.Signed}
}

// retries wants the number to wait for its second attempt.
func (s *rewardsStory) retries() {
	s.t.Helper()
	r := s.state()
	require.EqualValues(s.t, 1, r.Number)
	require.EqualValues(s.t, 1, r.Attempt)
	require.True(s.t, r.Pending.IsZero())
}
