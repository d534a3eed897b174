package sandboxtests

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// attempt is something that somebody sends to a channel.
type attempt struct {
	operation string
	by        cocoon.Account
	m         chain.Message
}

// attempts are all operations, by everyone, with whatever may be signed but a voucher by the client.
func (c *channelStory) attempts() (all []attempt) {
	c.t.Helper()
	init, err := c.birth.Init()
	require.NoError(c.t, err)
	for _, by := range []string{"client", "stranger", "dispatcher", "rewards"} {
		add := func(operation string, m chain.Message) {
			m.To, m.Amount, m.Bounce = c.channel, ton(1), true
			all = append(all, attempt{operation, wallet(by), m})
		}
		add("finish", chain.Message{Body: body(c.t, finishTo(by))})
		add("open_channel", chain.Message{Body: body(c.t, wrappers.OpenChannel{QueryID: 1, Tokens: 1})})
		add("rotate", chain.Message{Body: body(c.t, c.rotateTo("next"))})
		add("request_close", chain.Message{Body: body(c.t, wrappers.RequestClose{QueryID: 1})})
		for _, key := range []string{"dispatcher", "receipt", "thief"} {
			add("settle", chain.Message{Body: body(c.t, c.voucherBy(key, voucherOver(c, ton(9))))})
		}
		add("close_now", chain.Message{Body: body(c.t, c.promiseBy("thief", wrappers.ClosePromise{GlobalID: globalID, Contract: c.channel, Final: coins(ton(9))}))})
		add("", chain.Message{})
		add("", chain.Message{Init: init}) // the birth once more
		add("", chain.Message{Body: body(c.t, wrappers.Settlement{QueryID: 1, Amount: coins(ton(9))})})
	}
	for _, operation := range operationsOf(c.t, "channel") { // a new one has to be tried as well
		require.True(c.t, slices.ContainsFunc(all, func(a attempt) bool { return a.operation == operation }), "nobody has tried %s", operation)
	}
	return all
}

func TestLeave_Channel_NobodyPutsOffARequestedClose(t *testing.T) {
	t.Parallel()
	c := closing(t)
	closesAt, held := c.state().ClosesAt, c.balance(c.channel)
	for _, a := range c.attempts() {
		c.advance(time.Minute) // or a second request would name the same moment
		c.send(a.by, a.m)
		s := c.state()
		require.Equal(t, closesAt, s.ClosesAt, "%s by %s", a.operation, a.by)
		require.False(t, s.Closed, "%s by %s", a.operation, a.by)
		require.True(t, s.Settled.IsZero(), "%s by %s", a.operation, a.by)
		require.NotEqual(t, -1, plus(t, c.balance(c.channel), c.rent("channel", closeDelay)).Cmp(held), "%s by %s", a.operation, a.by)
	}
	c.waitUntil(closesAt)
	tr := post(c, wallet("stranger"), c.fees().Finish, finishTo("crank")).requireOK(t)
	require.NotEqual(t, -1, tr.paidTo(t, c.birth.Client).Cmp(minus(t, held, c.rent("channel", closeDelay))))
	c.requireBooks()
}

func TestLeave_Channel_NothingIsTakenOnceItIsClosed(t *testing.T) {
	t.Parallel()
	c := closing(t)
	late := c.voucher(ton(9)) // signed, and never redeemed in time
	c.advance(closeDelay)
	post(c, c.birth.Client, c.fees().Finish, finishTo("crank")).requireOK(t)
	c.topUp(ton(10))
	deny(c, errWrongPhase, wallet("relay"), late)
	for _, a := range c.attempts() {
		tr := c.send(a.by, a.m)
		require.True(t, c.state().Closed)
		for _, s := range tr.steps[1:] {
			back := s.to == a.by || s.to == wallet("change") || s.to == c.birth.Client
			require.True(t, back, "%s by %s sends money to %s", a.operation, a.by, s.to)
		}
		require.True(t, tr.paidTo(t, c.birth.Rewards).IsZero() || a.by == c.birth.Rewards)
	}
	require.True(t, c.state().Settled.IsZero())
	c.requireBooks()
}

func TestLeave_Channel_NobodyWaitsLongerThan30Days(t *testing.T) {
	t.Parallel()
	for asked, waits := range map[uint32]time.Duration{0: 0, 1: time.Second, 86_400: 24 * time.Hour, 30 * 86_400: 30 * 24 * time.Hour,
		30*86_400 + 1: 30 * 24 * time.Hour, 1<<32 - 1: 30 * 24 * time.Hour} {
		c := fundedChannel(t, delayOf(asked))
		post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t) // its end is clamped, too
		require.Equal(t, c.now+uint32(waits/time.Second), c.state().PreviousUntil)
		c.advance(waits)
		post(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOK(t)
		if waits > 0 {
			c.advance(waits - time.Second)
			c.touch(c.channel)
			deny(c, errTooEarly, c.birth.Client, finishTo("crank"))
			c.advance(time.Second)
		}
		post(c, wallet("stranger"), c.fees().Finish, finishTo("crank")).requireOK(t)
		require.True(t, c.state().Closed)
	}
}
