package sandboxtests

import (
	"testing"

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
	{wrappers.KindChannel, "open_channel", only, idle, func(t *testing.T) *scene {
		c := channelShell(t)
		return onChannel(c, c.birth.Client, minus(t, c.fees().OpenChannel, c.balance(c.channel)),
			wrappers.OpenChannel{QueryID: 1, Model: cocoon.NewModelID("Qwen/Qwen3-32B"), Tokens: 5_000_000})
	}},
	{wrappers.KindChannel, "settle", anywhere, errWrongAmount, func(t *testing.T) *scene {
		c := fundedChannel(t)
		return onChannel(c, wallet("relay"), c.fees().Settle, c.voucher(ton(2)))
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
}
