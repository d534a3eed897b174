package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// channelLeave is a state that a client leaves.
type channelLeave struct {
	name  string
	phase string // as channelPhase tells it
	reach func(t *testing.T) *channelStory
	// signed is a voucher that is out; it is redeemed on the last day, for taken.
	signed func(c *channelStory) wrappers.Settle
	taken  cocoon.Nano
}

var channelPhases = []string{"running", "closing", "due", "closed"}

// channelPhase is where a channel stands on its way out.
func channelPhase(c *channelStory) string {
	switch s := c.state(); {
	case s.Closed:
		return "closed"
	case s.ClosesAt == 0:
		return "running"
	case c.now < s.ClosesAt:
		return "closing"
	}
	return "due"
}

var channelLeaves = []channelLeave{
	{name: "never topped up", phase: "running", reach: func(t *testing.T) *channelStory { return channelShell(t) }},
	{name: "topped up before its birth", phase: "running", reach: func(t *testing.T) *channelStory {
		c := channelShell(t)
		fresh := &channelStory{world: c.world, t: t, birth: c.birth}
		fresh.birth.Salt++
		fresh.channel, _ = fresh.birth.Account()
		fresh.send(wallet("stranger"), chain.Message{To: fresh.channel, Amount: ton(7)})
		require.Equal(t, ton(7), fresh.balance(fresh.channel))
		fresh.received.Add(fresh.received, ton(7).Big()) // the books begin with the code
		return channelIn(t, c.world, fresh.birth)
	}},
	{name: "topped up, never opened", phase: "running", reach: func(t *testing.T) *channelStory { return fundedChannel(t) }},
	{name: "opened", phase: "running", reach: func(t *testing.T) *channelStory {
		c := channelShell(t)
		post(c, c.birth.Client, ton(15), wrappers.OpenChannel{QueryID: 1, Tokens: 1}).requireOK(t)
		return c
	}},
	{name: "partly settled", phase: "running", reach: settledChannel},
	{name: "settled to its rent", phase: "running", reach: func(t *testing.T) *channelStory {
		c := fundedChannel(t)
		post(c, wallet("relay"), ton(1), c.voucher(ton(50))).requireOK(t)
		require.Equal(t, -1, c.free().Cmp(c.fees().Settle), "nothing but what the price of settling did not use")
		return c
	}},
	{name: "a voucher still out", phase: "running", reach: settledChannel, signed: vouches("channel", 6), taken: ton(4)},
	{name: "rotated, the older key still counts", phase: "running", reach: rotatedChannel, signed: vouches("channel", 3), taken: ton(3)},
	{name: "rotated, the newer key", phase: "running", reach: rotatedChannel, signed: vouches("next", 3), taken: ton(3)},
	{name: "rotated long ago", phase: "running", reach: later(rotatedChannel, 3*closeDelay)},
	{name: "close requested", phase: "closing", reach: func(t *testing.T) *channelStory { return closing(t) }},
	{name: "close requested, rotated since", phase: "closing", reach: func(t *testing.T) *channelStory {
		c := closing(t)
		c.advance(time.Hour)
		post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t)
		return c
	}},
	{name: "close requested, topped up since", phase: "closing", reach: func(t *testing.T) *channelStory {
		c := closing(t)
		c.topUp(ton(3))
		return c
	}},
	{name: "close requested, settled since", phase: "closing", reach: func(t *testing.T) *channelStory {
		c := closing(t)
		post(c, wallet("relay"), ton(1), c.voucher(ton(2))).requireOK(t)
		return c
	}},
	{name: "close requested, a voucher still out", phase: "closing", reach: func(t *testing.T) *channelStory { return closing(t) },
		signed: vouches("channel", 4), taken: ton(4)},
	{name: "due", phase: "due", reach: later(func(t *testing.T) *channelStory { return closing(t) }, closeDelay)},
	{name: "due for a year", phase: "due", reach: later(func(t *testing.T) *channelStory { return closing(t) }, 365*24*time.Hour)},
	{name: "due, a voucher comes before anyone finishes", phase: "due", signed: vouches("channel", 4), taken: ton(4),
		reach: later(func(t *testing.T) *channelStory { return closing(t) }, 2*closeDelay)},
	{name: "due as soon as it was requested", phase: "due", reach: func(t *testing.T) *channelStory { return closing(t, delayOf(0)) }},
	{name: "closed, money sent after", phase: "closed", reach: func(t *testing.T) *channelStory {
		c := closing(t)
		c.advance(closeDelay)
		post(c, wallet("crank"), c.fees().Finish, finishTo("crank")).requireOK(t)
		c.topUp(ton(5))
		return c
	}},
	{name: "closed at once, money sent after", phase: "closed", reach: func(t *testing.T) *channelStory {
		c := settledChannel(t)
		post(c, c.birth.Client, ton(1), c.promise(ton(3))).requireOK(t)
		c.topUp(ton(5))
		return c
	}},
	{name: "below its rent after years", phase: "running", reach: later(func(t *testing.T) *channelStory {
		c := channelShell(t)
		c.topUp(cocoon.NanoOf(40_000_000))
		return c
	}, 10*365*24*time.Hour)},
	{name: "a client key that nobody can use", phase: "running", reach: func(t *testing.T) *channelStory {
		return fundedChannel(t, func(b *wrappers.ChannelBirth) { b.ClientKey = [32]byte{} })
	}},
	{name: "a dispatcher key that nobody can use", phase: "running", reach: func(t *testing.T) *channelStory {
		return fundedChannel(t, func(b *wrappers.ChannelBirth) { b.DispatcherKey = [32]byte{} })
	}},
	{name: "a longer delay than there is", phase: "running", reach: func(t *testing.T) *channelStory { return fundedChannel(t, delayOf(1<<32-1)) }},
	{name: "rewards take nothing", phase: "running", signed: vouches("channel", 3), taken: ton(3), reach: func(t *testing.T) *channelStory {
		w := newWorld(t)
		c := channelIn(t, w, wrappers.ChannelBirth{Client: wallet("client"), ClientKey: publicOf("channel"), Rewards: w.refuser(), CloseDelay: 3600})
		c.topUp(ton(10))
		return c
	}},
}

func settledChannel(t *testing.T) *channelStory {
	t.Helper()
	c := fundedChannel(t)
	post(c, wallet("relay"), ton(1), c.voucher(ton(2))).requireOK(t)
	return c
}

func rotatedChannel(t *testing.T) *channelStory {
	t.Helper()
	c := fundedChannel(t)
	post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t)
	return c
}

// later is what reach reaches, so long after.
func later(reach func(*testing.T) *channelStory, d time.Duration) func(*testing.T) *channelStory {
	return func(t *testing.T) *channelStory {
		t.Helper()
		c := reach(t)
		c.advance(d)
		return c
	}
}

func delayOf(seconds uint32) func(*wrappers.ChannelBirth) {
	return func(b *wrappers.ChannelBirth) { b.CloseDelay = seconds }
}

// vouches makes the voucher over so many TON by that key.
func vouches(key string, amount uint64) func(*channelStory) wrappers.Settle {
	return func(c *channelStory) wrappers.Settle { return c.voucherBy(key, voucherOver(c, ton(amount))) }
}

// longestClose is what the contract makes of any close delay.
const longestClose = wrappers.MaxCloseDelay * time.Second

func TestLeave_Channel_ClientGetsAllThatNoVoucherTakes(t *testing.T) {
	t.Parallel()
	var reached met
	phases := map[string]bool{}
	t.Run("from", func(t *testing.T) {
		for _, s := range channelLeaves {
			phases[s.phase] = true
			for _, by := range []string{"client", "stranger"} { // whoever comes to finish
				t.Run(s.name+", by "+by, func(t *testing.T) {
					t.Parallel()
					s.leave(t, wallet(by), &reached)
				})
			}
		}
	})
	reached.requireAll(t, wrappers.Channel{})
	for _, phase := range channelPhases {
		require.True(t, phases[phase], "nobody has left a channel that is %s", phase)
	}
}

// leave has the client ask to close, where it has not, and somebody finish.
func (s channelLeave) leave(t *testing.T, by cocoon.Account, reached *met) {
	c := s.reach(t)
	require.Equal(t, s.phase, channelPhase(c))
	reached.note(c.state())
	c.touch(c.channel)
	began, held, change := c.now, c.balance(c.channel), cocoon.Nano{}

	if s.phase == "running" {
		post(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOK(t)
		require.LessOrEqual(t, c.state().ClosesAt, began+wrappers.MaxCloseDelay)
	}
	if s.signed != nil {
		tr := post(c, wallet("relay"), c.fees().Settle, s.signed(c)) // whether rewards can use it is not the client's concern
		require.False(t, tr.steps[0].aborted)
		require.Equal(t, s.taken, tr.settled(t))
		change = c.fees().Settle
	}
	c.waitUntil(c.state().ClosesAt)
	tr := post(c, by, c.fees().Finish, finishTo("crank")).requireOK(t)

	require.LessOrEqual(t, c.since(began), longestClose)
	c.requireAbout(minus(t, held, s.taken), tr.paidTo(t, c.birth.Client), "channel", c.since(began), change)
	require.Equal(t, "closed", channelPhase(c))
	require.True(t, c.balance(c.channel).IsZero())
	c.requireBooks()
}
