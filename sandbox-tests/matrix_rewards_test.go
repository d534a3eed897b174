package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// onRewards is the scene of v, with everyone who has to do with a rewards contract.
func onRewards[T any](s *rewardsStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	s.t.Helper()
	return onStage(s.world, s.rewards, from, value, v, s.owner, s.registry, wallet("operator"), wallet("heir"), wallet("next owner"))
}

var rewardsRows = []row{
	{wrappers.KindRewards, "refresh_terms", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		x := onRewards(s, s.owner, s.fees(0).RefreshTerms, wrappers.RefreshTerms{QueryID: 3, Hash: [32]byte{1}})
		x.road, x.back = opRequestTerms, func() { require.Zero(t, s.state().Awaiting) }
		return x
	}},
	{wrappers.KindRewards, "terms", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		s.terms.Rewards.Unbonding++
		s.refresh(hashOf(t, s.terms)).requireOK(t)
		x := onRewards(s, s.registry, s.leastAnswer(), wrappers.TermsAnswer{QueryID: 3, Terms: body(t, s.terms)})
		x.others = append(x.others, otherRegistry(t))
		x.bounced = func() { require.Zero(t, s.state().Awaiting, "whatever it asked for came back") }
		return x
	}},
	{wrappers.KindRewards, "withdraw", only, errNotEnoughFree, func(t *testing.T) *scene {
		s := staffed(t)
		try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(30))}).requireOK(t)
		s.now = s.state().Tranches[0].At
		return onRewards(s, s.owner, s.fees(0).Withdraw, wrappers.Withdraw{QueryID: 3, Amount: coins(ton(30))}).waited(errNotEnoughFree)
	}},
	{wrappers.KindRewards, "withdraw, of a part", only, acts, func(t *testing.T) *scene {
		s := staffed(t)
		try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(30))}).requireOK(t)
		s.now = s.state().Tranches[0].At
		x := onRewards(s, s.owner, s.fees(0).Withdraw, wrappers.Withdraw{QueryID: 3, Amount: coins(ton(10))}).waited(errNotEnoughFree)
		x.twice = func() { require.Equal(t, ton(10), s.state().Unbonding) }
		return x
	}},
	{wrappers.KindRewards, "bond", anyone, acts, func(t *testing.T) *scene {
		s := staffed(t)
		x := onRewards(s, wallet("whale"), s.fees(0).Bond, wrappers.Bond{QueryID: 3, Amount: coins(ton(7)), Response: wallet("change")}).with(ton(7))
		x.twice = func() { require.Equal(t, ton(514), s.state().Bond) }
		return x
	}},
	{wrappers.KindRewards, "fund", anyone, acts, func(t *testing.T) *scene {
		s := staffed(t)
		x := onRewards(s, wallet("whale"), s.fees(0).Fund, wrappers.Fund{QueryID: 3, Amount: coins(ton(7)), Response: wallet("change")}).with(ton(7))
		want := plus(t, s.pot(), ton(14))
		x.twice = func() { require.Equal(t, want, s.pot()) }
		return x
	}},
	{wrappers.KindRewards, "request_unbond", only, acts, func(t *testing.T) *scene {
		s := staffed(t)
		x := onRewards(s, s.owner, s.fees(0).RequestUnbond, wrappers.RequestUnbond{QueryID: 3, Amount: coins(ton(5))})
		x.twice = func() {
			require.Equal(t, []cocoon.Nano{ton(490), ton(10)}, []cocoon.Nano{s.state().Bond, s.state().Unbonding})
		}
		return x
	}},
	{wrappers.KindRewards, "appoint", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).Appoint, wrappers.Appoint{QueryID: 3, Operator: wallet("another")})
	}},
	{wrappers.KindRewards, "set_heir", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).SetHeir, wrappers.SetHeir{QueryID: 3, Heir: wallet("another")})
	}},
	{wrappers.KindRewards, "transfer_ownership", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).TransferOwnership, wrappers.TransferOwnership{QueryID: 3, Owner: wallet("another")})
	}},
	{wrappers.KindRewards, "accept_ownership", only, errWrongSender, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, wallet("next owner"), s.fees(0).AcceptOwnership, wrappers.AcceptOwnership{QueryID: 3})
	}},
	{wrappers.KindRewards, "succeed", only, errWrongSender, func(t *testing.T) *scene {
		s := staffed(t)
		s.advance(time.Duration(s.terms.Rewards.HeirAfter) * time.Second)
		return onRewards(s, wallet("heir"), s.fees(0).Succeed, wrappers.Succeed{QueryID: 3}).waited(errTooEarly)
	}},
	{wrappers.KindRewards, "rotate_key", only, errTooEarly, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).RotateKey, s.keyMessage("next"))
	}},
	{wrappers.KindRewards, "set_endpoint", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).SetEndpoint,
			wrappers.SetEndpoint{QueryID: 3, Endpoint: &wrappers.Endpoint{TLSKeyHash: [32]byte{1}, URL: "https://dispatcher.example"}})
	}},
	{wrappers.KindRewards, "set_endpoint, to none", only, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, s.owner, s.fees(0).SetEndpoint, wrappers.SetEndpoint{QueryID: 3})
	}},
	{wrappers.KindRewards, "owe", anyone, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, wallet("relay"), s.fees(0).Owe, s.oweOf(1))
	}},
	{wrappers.KindRewards, "owe, of the next number", anyone, idle, func(t *testing.T) *scene {
		s := staffed(t)
		return onRewards(s, wallet("relay"), s.fees(0).Owe, s.oweOf(2))
	}},
	{wrappers.KindRewards, "open_epoch", only, errPending, func(t *testing.T) *scene {
		s := staffed(t)
		x, pot := onRewards(s, wallet("operator"), s.fees(20).OpenEpoch, openMessageOf(treeOf(t, leavesOf(20)))), s.pot()
		x.road, x.back = opOpen, func() {
			s.retries()
			require.NotEqual(t, -1, s.pot().Cmp(pot), "what it carried is pot again")
		}
		return x
	}},
	{wrappers.KindRewards, "open_epoch, a retry", only, errPending, func(t *testing.T) *scene {
		s, e := running(t)
		s.failPending(e)
		x, pot := onRewards(s, wallet("operator"), s.fees(20).OpenEpoch, openMessageOf(treeOf(t, leavesOf(20)))), s.pot()
		x.road, x.back = opOpen, func() {
			require.EqualValues(t, 2, s.state().Attempt)
			require.NotEqual(t, -1, s.pot().Cmp(pot), "what it carried is pot again")
		}
		return x
	}},
	{wrappers.KindRewards, "passed", ignored, idle, func(t *testing.T) *scene {
		s, e := running(t)
		x := onRewards(s, e.epoch, ton(1), wrappers.Passed{QueryID: 3, Number: 1, Response: wallet("change")}).report()
		x.others = append(x.others, s.retried())
		x.kept, x.bounced = true, s.retries // as if open had come back
		return x
	}},
	{wrappers.KindRewards, "failed", only, errWrongSender, func(t *testing.T) *scene {
		s, e := running(t)
		x := onRewards(s, e.epoch, ton(1), wrappers.Failed{QueryID: 3, Number: 1}).report()
		x.others = append(x.others, s.retried())
		x.bounced = s.retries // as if open had come back
		return x
	}},
	{wrappers.KindRewards, "remainder", anyone, idle, func(t *testing.T) *scene {
		s, e := running(t)
		x := onRewards(s, wallet("earlier epoch"), ton(1), wrappers.Remainder{QueryID: 3, Number: 1}).report()
		x.others = append(x.others, e.epoch)
		x.kept, x.unread = true, true
		return x
	}},
	{wrappers.KindRewards, "settlement", anyone, idle, func(t *testing.T) *scene {
		s, e := running(t)
		x := onRewards(s, wallet("channel"), ton(1), wrappers.Settlement{QueryID: 3, Amount: coins(ton(77))}).report()
		x.others = append(x.others, e.epoch)
		x.kept, x.unread = true, true
		return x
	}},
}
