package sandboxtests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/wrappers"
)

// isPaid asks the contract itself.
func (s *epochStory) isPaid(index int) bool {
	s.t.Helper()
	values, err := s.Get(context.Background(), s.epoch, "is_paid", index)
	require.NoError(s.t, err)
	return integer(s.t, values[0]) != 0
}

// 17,001 leaves have 18 words of claims: in every tree the root, its children
// and some of theirs.
func TestEpoch_EveryLeafOfAWideTreeHasAClaimOfItsOwn(t *testing.T) {
	t.Parallel()
	leaves := leavesOf(17_001)
	for i := range leaves {
		leaves[i].Amount = leavesOf(1)[0].Amount
	}
	s := newEpochStory(t, leaves)
	s.open()
	s.at(wrappers.EpochPaying, 0, 0)
	claimed := map[int]bool{}
	for word := range 18 {
		for _, index := range []int{1000*word + 999, 1000 * word} {
			if index < len(leaves) {
				tell(s, s.fees(0).Claim, s.claim(index)).requireOK(t)
				claimed[index] = true
			}
		}
	}
	state := s.state()
	for i := range leaves {
		require.Equal(t, claimed[i], state.Claimed(uint32(i)), "leaf %d", i)
	}
	for _, index := range []int{0, 1, 998, 999, 1_000, 2_999, 3_000, 11_999, 12_000, 14_998, 16_999, 17_000} {
		require.Equal(t, claimed[index], s.isPaid(index), "leaf %d", index)
		if claimed[index] {
			s.requireRefused(t, errAlreadyClaimed, s.epoch, func() trace { return tell(s, s.fees(0).Claim, s.claim(index)) })
		}
	}
	s.push()
	for i := range leaves {
		s.requirePaid(i, true)
	}
	require.Equal(t, s.tree.Total(), s.state().Paid)
}
