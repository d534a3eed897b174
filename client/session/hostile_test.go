package session_test

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

func half(n cocoon.Nano) cocoon.Nano { return must(n.MulDiv(1, 2)) }

// What workers and dispatchers may try, what of the answer arrives, and what is paid.
func TestSession_PaysItsOwnCountAndNoMore(t *testing.T) {
	t.Parallel()
	honest := cocoon.Usage{Prompt: promptTokens, Completion: outTokens}
	fair := must(price.Cost(honest))
	over := func(change func(*cocoon.Usage)) func(*double) {
		return func(d *double) {
			d.took()
			d.send(d.answerFrames()...)
			d.final(func(u *receipt.Usage) {
				change(&u.Content.Usage)
				u.Content.Cost = must(price.Cost(u.Content.Usage))
			})
		}
	}
	signed := func(change func(*receipt.Usage)) func(*double) {
		return func(d *double) {
			d.took()
			d.send(d.answerFrames()...)
			d.final(change)
		}
	}
	for name, c := range map[string]struct {
		serve func(*double)
		whole bool
		cost  cocoon.Nano
		paid  bool // a settle is sent
	}{
		"counts a token too many":      {over(func(u *cocoon.Usage) { u.Completion++ }), true, fair, true},
		"counts a longer prompt":       {over(func(u *cocoon.Usage) { u.Prompt += 5 }), true, fair, true},
		"counts more than the bytes":   {over(func(u *cocoon.Usage) { u.Prompt = 1 << 40 }), true, cocoon.Nano{}, true},
		"counts so much that it wraps": {over(func(u *cocoon.Usage) { u.Prompt, u.Cached = 1, 1<<64-1; u.Cached-- }), true, cocoon.Nano{}, true},
		"counts more than was asked":   {over(func(u *cocoon.Usage) { u.Reasoning = 1 << 21 }), true, cocoon.Nano{}, true},
		"bills more than its count":    {signed(func(u *receipt.Usage) { u.Content.Cost = cocoon.TON(1) }), true, fair, true},
		"bills less":                   {signed(func(u *receipt.Usage) { u.Content.Cost = half(fair) }), true, half(fair), true},
		"charges another price":        {signed(func(u *receipt.Usage) { u.Content.Price, u.Content.Cost = caps, must(caps.Cost(honest)) }), true, fair, true},
		"charges a lower price": {signed(func(u *receipt.Usage) {
			u.Content.Price.Prompt = cocoon.Nano{}
			u.Content.Cost = must(u.Content.Price.Cost(honest))
		}), true, must(price.Cost(cocoon.Usage{Completion: outTokens})), true},
		"signs for another route":   {signed(func(u *receipt.Usage) { u.Content.Route[0]++ }), true, fair, false},
		"signs for another request": {signed(func(u *receipt.Usage) { u.Content.Request[0]++ }), true, fair, false},
		"signs for another attempt": {signed(func(u *receipt.Usage) { u.Content.Attempt++ }), true, fair, false},
		"signs for another payer":   {signed(func(u *receipt.Usage) { u.Rewards[0]++ }), true, fair, false},
		"signs for another network": {signed(func(u *receipt.Usage) { u.GlobalID++ }), true, fair, false},
		"signs as another run":      {signed(func(u *receipt.Usage) { u.Boot[0]++ }), true, fair, false},
		"the operator signs": {func(d *double) {
			d.took()
			d.send(d.answerFrames()...)
			d.m.b, d.m.key = d.m.key, d.m.b
			d.final(nil)
			d.m.b, d.m.key = d.m.key, d.m.b
		}, true, fair, false},
		"a stranger signs": {func(d *double) {
			d.took()
			d.send(d.answerFrames()...)
			b := d.m.b
			d.m.b = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{77}, 32))
			d.final(nil)
			d.m.b = b
		}, true, fair, false},
		"repeats the final": {func(d *double) {
			d.honest()
			for range 3 {
				d.final(func(u *receipt.Usage) { u.Content.Usage.Completion = outTokens - 1 })
			}
		}, true, fair, true},
		"withholds the tail": {func(d *double) {
			d.took()
			all := d.answerFrames()
			d.send(all[:2]...)
			d.final(nil)
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens, Completion: 16})), true},
		"withholds everything": {func(d *double) {
			d.took()
			d.answerFrames()
			d.final(nil)
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens})), true},
		"ends without the end": {func(d *double) {
			d.took()
			d.send(d.frame(16, true, chunk(reply)))
			d.final(func(u *receipt.Usage) { u.Content.Reason = uint8(stream.Failed) })
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens, Completion: 16})), true},
		"fails after a usage": {func(d *double) {
			d.took()
			d.send(d.frame(16, false, chunk(reply)), d.frame(16, true, usageOf(16), `{"error":{"message":"out of memory"}}`))
			d.final(func(u *receipt.Usage) { u.Content.Reason = uint8(stream.Failed) })
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens, Completion: 16})), true},
		"alters a count": {func(d *double) {
			d.took()
			frame := d.answerFrames()[0]
			frame[stream.FrameHeaderSize-3] += 16
			d.send(frame)
			d.final(nil)
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens})), true},
		"alters a byte": {func(d *double) {
			d.took()
			all := d.answerFrames()
			all[2][40] ^= 1
			d.send(all...)
			d.final(nil)
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens, Completion: 16})), true},
		"marks an end": {func(d *double) {
			d.took()
			frame := d.answerFrames()[0]
			frame[stream.FrameHeaderSize-1] = 1
			d.send(frame)
			d.final(nil)
		}, false, must(price.Cost(cocoon.Usage{Prompt: promptTokens})), true},
		"says nothing at all":  {func(*double) {}, false, cocoon.Nano{}, false},
		"takes it for nothing": {func(d *double) { d.took() }, false, cocoon.Nano{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 1)
			f.mu.Lock()
			f.serve = func(_ *fake, _ stream.Start, d *double) { c.serve(d) }
			f.mu.Unlock()
			cl := f.client()
			_, bill, err := ask(t.Context(), cl)
			require.Equal(t, c.whole, isEOF(err), "%v", err)
			if !c.whole && c.paid {
				require.Equal(t, c.cost, bill.Cost)
			} else if c.whole {
				require.LessOrEqual(t, bill.Cost.Cmp(fair), 0, "never more than the answer says itself")
			}
			if !c.paid {
				require.Eventually(t, func() bool { return !c.whole || strings.Contains(cl.log.String(), "event refused") }, 10*time.Second, time.Millisecond)
				require.Zero(t, cl.ledger.Figures().Used, "nothing was agreed")
				require.Empty(t, f.heard(stream.SettleVerb))
				return
			}
			s, err := stream.ParseSettle(f.until(stream.SettleVerb))
			require.NoError(t, err)
			require.NotEmpty(t, s.Agreed)
			require.Equal(t, c.cost, s.Agreed[0].Cost)
			require.Equal(t, c.cost, s.Paid.Cumulative)
			require.Equal(t, c.cost, cl.ledger.Figures().Used)
			f.within(t)
		})
	}
}

func isEOF(err error) bool { return err == io.EOF } //nolint:errorlint // exactly that is promised

// orders of frames that a network, or a dispatcher, may come up with.
func TestSession_FramesOutOfOrderAreAskedForAndNeverGuessed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		f := newFake(t, 1)
		random := rand.New(rand.NewPCG(1, seed))
		var d *double
		f.mu.Lock()
		f.serve = func(_ *fake, _ stream.Start, got *double) {
			d = got
			d.took()
			all := d.answerFrames()
			order := random.Perm(len(all))
			for _, i := range order[:random.IntN(len(order)+1)] {
				d.send(all[i])
				if random.IntN(2) == 0 {
					d.send(all[i]) // twice
				}
			}
			d.final(nil)
		}
		f.mu.Unlock()
		c := f.client()
		a, err := c.Start(t.Context(), request())
		require.NoError(t, err)
		if len(f.heard(stream.ResumeVerb)) == 0 {
			f.until(stream.ResumeVerb)
		}
		f.mu.Lock()
		d.send(d.frames...)
		f.mu.Unlock()
		items, err := read(t.Context(), a)
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, []string{chunk(reply), chunk(" more"), usageOf(outTokens)}, items)
		require.NoError(t, a.Close())
		require.Equal(t, fairCost(t), a.Bill().Cost)
	}
}

func TestSession_AnotherWorkerTakesOverBeforeTheFirstTokenOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		old := [][]byte{d.frame(0, false, chunk("")), d.frame(16, false, chunk("of the first attempt"))}
		d.send(old[0]) // a role, and no token yet
		d.honest()     // the second attempt
		d.send(old[1])
	})
	c := f.client()
	items, bill, err := ask(t.Context(), c)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, chunk(reply), items[0])
	require.Len(t, items, 3)
	require.Equal(t, 2, bill.Attempts)
	require.Equal(t, fairCost(t), bill.Cost, "one attempt is paid")

	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		first := d.answerFrames()
		d.send(first[0])
		end := d.receipt(nil)
		d.took() // too late: something was read already
		d.send(d.answerFrames()...)
		d.attempt--
		d.send(first[1:]...)
		f.say(stream.Final{Request: d.route.Request, Receipt: end})
	})
	items, bill, err = ask(t.Context(), c)
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, items, 3)
	require.Equal(t, 1, bill.Attempts)
}

// All engines of its candidates may fail after a worker took it: nothing is owed then.
func TestSession_WhatNobodyCouldBeginIsNoCapacityAndFree(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	f.serves(func(f *fake, s stream.Start, d *double) {
		d.took()
		d.send(d.frame(0, false, chunk("")))
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.NoCapacity, Wait: 700})
	})
	c := f.client()
	items, bill, err := ask(t.Context(), c)
	require.Empty(t, items)
	require.Equal(t, api.CodeNoCapacity, code(err))
	require.Zero(t, bill.Cost)
	require.Zero(t, c.ledger.Figures().Open)
}

// Whose worker is lost need not wait for a bill as long as one that has cancelled.
func TestSession_ALostWorkersBillIsNotAwaitedForLong(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	f.serves(func(f *fake, s stream.Start, d *double) {
		d.took()
		d.send(d.frame(16, false, chunk(reply)))
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.WorkerLost})
	})
	cfg := f.config()
	cfg.Patience = time.Hour
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	items, bill, err := ask(t.Context(), c)
	require.Len(t, items, 1)
	require.Equal(t, api.CodeWorkerLost, code(err))
	require.EqualValues(t, 16, bill.Usage.Completion, "what came is set aside for a bill that may come later")
	f.conn.Close() // or closing the session would wait for it
	f.server.Shutdown()
	require.Eventually(t, func() bool { gone, _ := c.Err(); return gone != nil }, 30*time.Second, time.Millisecond)
}

func TestSession_AnEnginesRefusalIsGivenAsItIs(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	body := `{"error":{"message":"no such parameter","type":"invalid_request_error","code":422}}`
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(0, true, body))
		d.final(func(u *receipt.Usage) {
			u.Content.Reason, u.Content.Usage, u.Content.Cost = uint8(stream.Refused), cocoon.Usage{}, cocoon.Nano{}
		})
	})
	c := f.client()
	items, bill, err := ask(t.Context(), c)
	require.Empty(t, items)
	var no *api.Refusal
	require.ErrorAs(t, err, &no)
	require.Equal(t, 422, no.Status)
	require.Equal(t, body, string(no.Body))
	require.Zero(t, bill.Cost)
}

func TestSession_AnswersReceiptsOfAProcessThatDied(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	var d *double
	f.serves(func(_ *fake, _ stream.Start, got *double) {
		d = got
		d.took()
		d.send(d.answerFrames()[0])
	})
	dir := t.TempDir()
	c, closeAll := f.process(dir)
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	closeAll() // as a crash leaves it: the answer is not agreed on
	f.mu.Lock()
	f.receipts[d.route.Request] = d.receipt(func(u *receipt.Usage) { u.Content.Frames = [32]byte{1} })
	made := *d
	made.route.Request = stream.RequestID{0xee} // that no client asked for
	f.receipts[made.route.Request] = made.receipt(nil)
	f.mu.Unlock()
	c, closeAll = f.process(dir)
	defer closeAll()
	require.Eventually(t, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.costs) == 2 }, 10*time.Second, time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Equal(t, fairCost(t), f.costs[d.route.Request])
	require.Zero(t, f.costs[made.route.Request])
	require.Equal(t, fairCost(t), c.ledger.Figures().Used)
}

// A daemon that is killed amid hundreds of answers leaves more bills than a state holds.
func TestSession_AnswersMoreBillsThanOneStateHolds(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	var d *double
	f.mu.Lock()
	f.serve = func(_ *fake, _ stream.Start, got *double) { d = got; d.took() }
	f.mu.Unlock()
	dir := t.TempDir()
	c, closeAll := f.process(dir)
	_, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	closeAll()
	f.mu.Lock()
	for n := range 2 * stream.MaxReceipts {
		made := *d
		made.route.Request = stream.RequestID{byte(n >> 8), byte(n), 0xee}
		f.receipts[made.route.Request] = made.receipt(nil)
	}
	f.mu.Unlock()
	_, closeAll = f.process(dir)
	defer closeAll()
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.receipts) == 0
	}, 30*time.Second, time.Millisecond)
}

// The worker may go on, and its dispatcher book the bill, after the process that
// takes over has said hello.
func TestSession_AnswersABillThatComesLaterThanTheProcessThatTookOver(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	var d *double
	f.mu.Lock()
	f.serve = func(_ *fake, _ stream.Start, got *double) { d = got; d.took() }
	f.mu.Unlock()
	dir := t.TempDir()
	c, closeAll := f.process(dir)
	_, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	closeAll()
	c, closeAll = f.process(dir)
	defer closeAll()
	f.mu.Lock()
	d.send(d.answerFrames()...)
	d.final(func(u *receipt.Usage) { u.Content.Frames = [32]byte{1} })
	f.mu.Unlock()
	f.until(stream.SettleVerb)
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Equal(t, fairCost(t), f.costs[d.route.Request])
	require.Equal(t, fairCost(t), c.ledger.Figures().Used)
}
