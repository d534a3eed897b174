package dispatcher

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// hands are a chain's head and this machine's clock, as a test sets them.
type hands struct {
	head market.Head
	wall time.Time
	*chainClock
}

func newHands(globalID int32) *hands {
	h := &hands{head: market.Head{Seqno: 1, Time: 1_000_000}, wall: time.Unix(2_000_000, 0)}
	h.chainClock = newChainClock(func() market.Head { return h.head }, func() time.Time { return h.wall }, globalID)
	return h
}

func (h *hands) after(d time.Duration, seqno, at uint32) int64 {
	h.wall = h.wall.Add(d)
	h.head = market.Head{Seqno: seqno, Time: at}
	return h.Now().Unix()
}

func TestChainClock_OfALocalChainIsItsOwnAndGoesOnWithoutBlocks(t *testing.T) {
	t.Parallel()
	h := newHands(-217)
	require.EqualValues(t, 1_000_000, h.Now().Unix(), "whatever the wall says")
	require.EqualValues(t, 1_000_031, h.after(31*time.Second, 1, 1_000_000), "an index that stands still is 31 s behind")
	require.EqualValues(t, 1_003_600, h.after(time.Second, 2, 1_003_600), "the chain's time may jump")
	require.EqualValues(t, 1_003_605, h.after(5*time.Second, 2, 1_003_600))
	require.EqualValues(t, 1_003_605, h.after(time.Millisecond, 3, 1_003_601), "and never goes back")
	require.EqualValues(t, 1_003_606, h.after(5*time.Second, 3, 1_003_601))
}

func TestChainClock_OfAPublicChainKnowsAnIndexThatCatchesUp(t *testing.T) {
	t.Parallel()
	for _, id := range []int32{chain.Mainnet, chain.Testnet} {
		h := newHands(id)
		require.EqualValues(t, 2_000_000, h.Now().Unix())
		require.EqualValues(t, 2_000_001, h.after(time.Second, 500, 1_500_000), "its blocks come fast, and are old")
		require.EqualValues(t, 2_000_010, h.after(time.Second, 900, 2_000_010), "a machine whose clock is slow goes by the chain's")
		require.EqualValues(t, 2_000_050, h.after(40*time.Second, 900, 2_000_010))
	}
}
