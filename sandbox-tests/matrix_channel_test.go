package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// onChannel is the scene of v, with everyone who has to do with a channel.
func onChannel[T any](c *channelStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	c.t.Helper()
	return onStage(c.world, c.channel, from, value, v, c.birth.Client, c.birth.Rewards, wallet("dispatcher"))
}

var channelRows = []row{
	{wrappers.KindChannel, "finish", anyone, idle, func(t *testing.T) *scene {
		c := closing(t)
		c.advance(closeDelay)
		return onChannel(c, wallet("crank"), c.fees().Finish, finishTo("change")).waited(errTooEarly)
	}},
	{wrappers.KindChannel, "finish, a sweep", anyone, idle, func(t *testing.T) *scene {
		c := fundedChannel(t)
		post(c, c.birth.Client, c.fees().CloseNow, c.promise(ton(3))).requireOK(t)
		c.topUp(ton(1))
		return onChannel(c, wallet("crank"), c.fees().Finish, finishTo("change"))
	}},
	{wrappers.KindChannel, "open_channel", only, idle, func(t *testing.T) *scene {
		c := channelShell(t)
		return onChannel(c, c.birth.Client, minus(t, c.fees().OpenChannel, c.balance(c.channel)),
			wrappers.OpenChannel{QueryID: 1, Model: cocoon.NewModelID("Qwen/Qwen3-32B"), Tokens: 5_000_000})
	}},
	{wrappers.KindChannel, "settle", anywhere, errWrongAmount, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, wallet("relay"), c.fees().Settle, c.voucher(ton(2)))
	}},
	{wrappers.KindChannel, "settle, by the previous key", anywhere, errWrongAmount, func(t *testing.T) *scene {
		c := fundedChannel(t)
		post(c, c.birth.Client, c.fees().Rotate, c.rotateTo("next")).requireOK(t)
		return onChannel(c, wallet("relay"), c.fees().Settle, c.voucher(ton(2))).before(c.state().PreviousUntil, errWrongSignature)
	}},
	{wrappers.KindChannel, "settle, more than there is", anywhere, acts, func(t *testing.T) *scene {
		c := fundedChannel(t)
		x, free := onChannel(c, wallet("relay"), c.fees().Settle, c.voucher(ton(200))), c.free()
		x.twice = func() {
			require.Equal(t, -1, c.state().Settled.Cmp(plus(t, free, x.value)), "a second one takes what the first left of its fee")
		}
		return x
	}},
	{wrappers.KindChannel, "rotate", only, errTooEarly, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, c.birth.Client, c.fees().Rotate, c.rotateTo("next"))
	}},
	{wrappers.KindChannel, "request_close", only, errWrongPhase, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1})
	}},
	{wrappers.KindChannel, "close_now", only, errWrongPhase, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, c.birth.Client, c.fees().CloseNow, c.promise(ton(3)))
	}},
	{wrappers.KindChannel, "close_now, nothing due", only, errWrongPhase, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, c.birth.Client, c.fees().CloseNow, c.promise(cocoon.Nano{}))
	}},
}
