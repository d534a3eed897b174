package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestEpoch_PaysEveryLeafOnceAndTheNetworkItsShare(t *testing.T) {
	t.Parallel()
	s := paying(t, 600)
	s.push()
	for i := range s.leaves {
		s.requirePaid(i, true)
	}
	tr := tell(s, s.fees(0).Finish, wrappers.Finish{QueryID: 6, Response: wallet("change")}).requireOK(t)
	tr.requireOps(t, opFinish, opPayout, opRemainder, opExcesses)
	share, err := epochTerms.NetworkShare(s.tree.Total())
	require.NoError(t, err)
	require.Equal(t, share, s.balance(wallet("treasury")))
	require.Equal(t, wrappers.EpochFinished, s.state().Phase)
	require.Equal(t, s.tree.Total(), s.state().Paid)
	s.requireBooks()
}

func TestEpoch_LeafClaimedAheadIsNotPaidAgainByAPush(t *testing.T) {
	t.Parallel()
	s := paying(t, 40)
	tr := tell(s, s.fees(0).Claim, s.claim(22)).requireOK(t)
	tr.requireOps(t, opClaim, opIncome)
	s.requirePaid(22, true)
	s.requirePaid(21, false)
	require.True(t, s.state().Claimed(22))
	require.False(t, s.state().Claimed(21))
	s.push()
	for i := range s.leaves {
		s.requirePaid(i, true)
	}
	require.Equal(t, s.tree.Total(), s.state().Paid)
	s.requireBooks()
}

func TestEpoch_ClaimPaysALeafOnce(t *testing.T) {
	t.Parallel()
	s := paying(t, 1_100) // two words of claims
	claim := func(index int) func(cocoon.Nano) trace {
		return func(value cocoon.Nano) trace { return tell(s, value, s.claim(index)) }
	}
	fee := s.fees(0).Claim
	for _, index := range []int{1_098, 300, 1_000, 998, 0} {
		s.requireLeast(t, s.epoch, fee, claim(index))
		s.requirePaid(index, true)
		require.True(t, s.state().Claimed(uint32(index)))
	}
	s.requireRefused(t, errAlreadyClaimed, s.epoch, func() trace { return claim(300)(fee) })
	s.requireRefused(t, errWrongAmount, s.epoch, func() trace { return claim(15)(fee) }) // it earned nothing
	tell(s, s.fees(100).Push, s.payout(0, 100)).requireOK(t)
	s.requireRefused(t, errAlreadyClaimed, s.epoch, func() trace { return claim(99)(fee) })
	s.push()
	for i := range s.leaves {
		s.requirePaid(i, true)
	}
	s.requireBooks()
}

func TestEpoch_ClaimNeedsAProofOfThatLeaf(t *testing.T) {
	t.Parallel()
	s := paying(t, 40)
	other, err := wrappers.NewEpochTree(leavesOf(41))
	require.NoError(t, err)
	foreign, err := other.Proof(3, 1)
	require.NoError(t, err)
	with := func(index uint32, proof *cell.Cell) func() trace {
		return func() trace { return tell(s, ton(1), wrappers.Claim{Index: index, Proof: proof}) }
	}
	s.requireRefused(t, errWrongPage, s.epoch, with(3, foreign))
	s.requireRefused(t, errWrongPage, s.epoch, with(3, foreign.MustPeekRef(0)))
	s.requireRefused(t, errWrongPage, s.epoch, with(40, s.claim(3).Proof))
	s.requireRefused(t, errTrailing, s.epoch, with(4, s.claim(3).Proof)) // pruned there
	s.requireRefused(t, errTrailing, s.epoch, func() trace {
		return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true, Body: longer(body(t, s.claim(3)))})
	})
	s.requireBooks()
}

func TestEpoch_PushGoesInOrderAndSkipsWhatEarnedNothing(t *testing.T) {
	t.Parallel()
	s := paying(t, 300)
	fee := s.fees(wrappers.MaxPushPage).Push
	push := func(from, count int) func(cocoon.Nano) trace {
		return func(value cocoon.Nano) trace { return tell(s, value, s.payout(from, count)) }
	}
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return push(1, 5)(fee) })
	empty := s.payout(0, 1)
	empty.Count = 0
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return tell(s, fee, empty) })
	tooMany := s.payout(0, 251)
	s.requireRefused(t, errTooMany, s.epoch, func() trace { return tell(s, ton(1), tooMany) })
	tr := s.requireLeast(t, s.epoch, fee, push(0, wrappers.MaxPushPage))
	require.Len(t, tr.steps, 1+235+1, "15 of 250 earned nothing")
	require.EqualValues(t, wrappers.MaxPushPage, s.state().Cursor)
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return push(0, wrappers.MaxPushPage)(fee) })
	beyond := s.payout(250, 50)
	beyond.Count = 51
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return tell(s, fee, beyond) })
	s.requireRefused(t, errTrailing, s.epoch, func() trace {
		return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: fee, Bounce: true, Body: longer(body(t, s.payout(250, 50)))})
	})
	s.requireLeast(t, s.epoch, s.fees(50).Push, push(250, 50))
	s.requireBooks()
}

func TestEpoch_PayoutsNeverBounceAndTakeNoBond(t *testing.T) {
	t.Parallel()
	s := paying(t, 10)
	tr := tell(s, s.fees(10).Push, s.payout(0, 10)).requireOK(t)
	for i, out := range tr.steps[0].out[:10] {
		require.False(t, out.Bounce)
		require.Equal(t, chain.Address(s.leaves[i].Provider).String(), out.DstAddr.String())
		require.Equal(t, body(t, struct {
			_       tlb.Magic      `tlb:"#4ecb2892"`
			QueryID uint64         `tlb:"## 64"`
			Bond    wrappers.Coins `tlb:"."`
		}{QueryID: 3}).Hash(), out.Body.Hash())
	}
}

func TestEpoch_FinishWaitsForTheLastLeafOrTheExpiry(t *testing.T) {
	t.Parallel()
	s := paying(t, 40)
	finish := func(value cocoon.Nano) trace {
		return tell(s, value, wrappers.Finish{QueryID: 6, Response: wallet("change")})
	}
	fee := s.fees(0).Finish
	tell(s, s.fees(0).Claim, s.claim(20)).requireOK(t)
	tell(s, s.fees(10).Push, s.payout(0, 10)).requireOK(t)
	s.requireRefused(t, errTooEarly, s.epoch, func() trace { return finish(fee) })
	s.advance(time.Duration(epochTerms.Expiry-1) * time.Second)
	s.requireRefused(t, errTooEarly, s.epoch, func() trace { return finish(fee) })
	s.advance(time.Second)
	tr := s.requireLeast(t, s.epoch, fee, finish)
	paid := s.leaves[20].Amount.Nano
	for _, l := range s.leaves[:10] {
		paid = plus(t, paid, l.Amount.Nano)
	}
	require.Equal(t, paid, s.state().Paid)
	share, err := epochTerms.NetworkShare(paid)
	require.NoError(t, err)
	require.Equal(t, share, s.balance(wallet("treasury")), "a share of what was paid, not of what was opened")
	require.Equal(t, 1, tr.paidTo(t, s.rewards).Cmp(minus(t, minus(t, s.tree.Total(), paid), share)), "the rest, with the rent of claims")
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), s.claim(30)) })
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), s.payout(10, 10)) })
	s.requireBooks()
}

func TestEpoch_FinishAgainSweepsStrays(t *testing.T) {
	t.Parallel()
	s := paying(t, 3)
	s.push()
	fee := s.fees(0).Finish
	finish := func() trace { return tell(s, fee, wrappers.Finish{Response: wallet("change")}).requireOK(t) }
	finish()
	kept := s.balance(s.epoch)
	require.False(t, kept.IsZero(), "it keeps its rent")
	finish().requireOps(t, opFinish, opExcesses)
	require.Equal(t, kept, s.balance(s.epoch))
	s.send(wallet("stray"), chain.Message{To: s.epoch, Amount: ton(5), Bounce: true}).requireOK(t)
	tr := finish()
	tr.requireOps(t, opFinish, opRemainder, opExcesses)
	require.NotEqual(t, -1, tr.paidTo(t, s.rewards).Cmp(ton(5)))
	require.Equal(t, kept, s.balance(s.epoch))
	s.requireBooks()
}
