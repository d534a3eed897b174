package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// read is all of an answer, and how it ended.
func read(ctx context.Context, a api.Answer) (items []string, err error) {
	for {
		some, err := a.Next(ctx)
		for _, item := range some {
			items = append(items, string(item))
		}
		if err != nil {
			return items, err
		}
	}
}

// ask is a request from start to bill.
func ask(ctx context.Context, c *client) (items []string, bill api.Bill, err error) {
	return askFor(ctx, c, request())
}

func askFor(ctx context.Context, c *client, r api.Request) (items []string, bill api.Bill, err error) {
	a, err := c.Start(ctx, r)
	if err != nil {
		return nil, bill, err
	}
	items, err = read(ctx, a)
	if cerr := a.Close(); cerr != nil {
		return items, bill, cerr
	}
	return items, a.Bill(), err
}

func fairCost(t testing.TB) cocoon.Nano {
	t.Helper()
	n, err := price.Cost(cocoon.Usage{Prompt: promptTokens, Completion: outTokens})
	require.NoError(t, err)
	return n
}

func code(err error) api.Code {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestSession_APromptIsAnsweredMeteredAndPaid(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	c := f.client()
	items, bill, err := ask(t.Context(), c)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []string{chunk(reply), chunk(" more"), usageOf(outTokens)}, items)
	require.Equal(t, fairCost(t), bill.Cost)
	require.Equal(t, cocoon.Usage{Prompt: promptTokens, Completion: outTokens}, bill.Usage)
	require.Equal(t, 1, bill.Attempts)
	require.Len(t, bill.Worker, 64)
	settle, err := stream.ParseSettle(f.until(stream.SettleVerb))
	require.NoError(t, err)
	require.Len(t, settle.Agreed, 1)
	require.Equal(t, fairCost(t), settle.Agreed[0].Cost)
	require.Equal(t, fairCost(t), settle.Paid.Cumulative)
	require.NoError(t, settle.Paid.Verify(wrappers.PublicKey(channelKey)))
	figures := c.ledger.Figures()
	require.Equal(t, fairCost(t), figures.Used)
	require.Zero(t, figures.Reserved)
}

// Of a client that leaves without, its dispatcher may settle the cover.
func TestSession_ClosingAnswersReceiptsFirst(t *testing.T) {
	t.Parallel()
	for range 20 {
		f := newFake(t, 1)
		c := f.client()
		_, bill, err := ask(t.Context(), c)
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, c.Close())
		f.mu.Lock()
		require.Equal(t, bill.Cost, f.paid, c.log.String())
		f.mu.Unlock()
	}
}

func TestSession_AgreesToCloseOverAllThatIsPaid(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	dir := t.TempDir()
	c, done := f.process(dir)
	_, bill, err := ask(t.Context(), c)
	require.ErrorIs(t, err, io.EOF)
	f.serves(func(f *fake, s stream.Start, d *double) { // its client dies before it hears the end
		d.took()
		d.send(d.frame(16, false, chunk(reply)))
		f.receipts[s.Route.Request] = d.receipt(nil)
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	done()
	next, done := f.process(dir)
	defer done()
	p, err := next.CloseNow(t.Context())
	require.NoError(t, err)
	both, err := bill.Cost.Mul(2)
	require.NoError(t, err)
	require.Equal(t, both, p.Final.Nano, "once what waits is answered")
	require.Equal(t, both, next.ledger.Figures().Used)
}

func TestSession_NobodyElseReadsPromptOrAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	c := f.client()
	r := request()
	r.Body = []byte(strings.Repeat(secret, 20_000)) // many parts
	_, _, err := ask(t.Context(), c)
	require.ErrorIs(t, err, io.EOF)
	r.Deadline = time.Now().Add(time.Second)
	_, _, err = askFor(t.Context(), c, r) // the fake answers no parts
	require.Equal(t, api.CodeTimeout, code(err))
	f.mu.Lock()
	defer f.mu.Unlock()
	require.NotEmpty(t, f.got[stream.PartVerb])
	for _, where := range []string{f.seen.String(), c.log.String()} {
		require.NotEmpty(t, where)
		require.NotContains(t, where, secret[:12])
		require.NotContains(t, where, reply[:12])
		require.NotContains(t, where, string(channelKey.Seed()))
	}
}

func TestSession_ManyRequestsShareOneChannelWithinTheBound(t *testing.T) {
	t.Parallel()
	f := newFake(t, 5)
	cfg := f.config()
	cfg.Silence = time.Minute // a busy machine is not a silent dispatcher
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	const requests = 500
	var g errgroup.Group
	for range requests {
		g.Go(func() error {
			_, _, err := ask(t.Context(), c)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	want, err := fairCost(t).Mul(requests)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.paid == want
	}, 30*time.Second, time.Millisecond, "all of it is paid")
	require.Equal(t, want, c.ledger.Figures().Used)
	f.within(t)
}

func TestSession_ReceiptsThatComeTogetherArePaidWithOneVoucher(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	const many = 20
	var doubles []*double
	f.serves(func(f *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.answerFrames()...)
		if doubles = append(doubles, d); len(doubles) == many {
			for _, d := range doubles {
				d.final(nil)
			}
		}
	})
	c := f.client()
	var g errgroup.Group
	for range many {
		g.Go(func() error {
			if _, _, err := ask(t.Context(), c); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	want, err := fairCost(t).Mul(many)
	require.NoError(t, err)
	require.Eventually(t, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.paid == want && f.used == want }, 10*time.Second, time.Millisecond)
	require.Less(t, len(f.heard(stream.SettleVerb)), many, "not each by a message of its own")
}

// within prints and checks what the dispatcher could have taken at worst.
func (f *fake) within(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := json.Marshal(map[string]cocoon.Nano{"max_loss": f.maxed.loss, "bound": f.maxed.bound})
	require.NoError(t, err)
	t.Log(string(out))
	// What the client agreed and the dispatcher has not heard of yet is earned, not lost.
	require.LessOrEqual(t, f.maxed.bound.Cmp(cocoon.TON(1)), 0)
	require.LessOrEqual(t, f.maxed.loss.Cmp(f.maxed.bound), 0)
}

func TestSession_EachRequestGoesToFreshCandidatesOfDifferentOwners(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	f.machines[1].state.Birth = wrappers.ProviderBirth{Registry: registry, Owner: cocoon.Account{1}, Index: 1} // as the first
	var err error
	f.machines[1].provider, err = f.machines[1].state.Birth.Account()
	require.NoError(t, err)
	c := f.client()
	for range 3 {
		_, _, err = ask(t.Context(), c)
		require.ErrorIs(t, err, io.EOF)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	leases := map[uint64]bool{}
	for _, raw := range f.got[stream.StartVerb] {
		s, err := stream.ParseStart(raw)
		require.NoError(t, err)
		require.False(t, leases[s.Pay.Lease], "a set is for one request")
		leases[s.Pay.Lease] = true
		full := 0
		for _, wrap := range s.Wraps {
			if len(wrap) > 0 {
				full++
			}
		}
		require.Equal(t, 2, full, "one of two machines of one owner")
	}
	require.Len(t, f.got[stream.KeysVerb], 3, "keys are asked for once")
}

func TestSession_ShowsNoPromptToWhomTheChainDoesNotProve(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*fake){
		"retired":             func(f *fake) { f.machines[0].state.Workers[0].RetiredAt = 1 },
		"slashed":             func(f *fake) { f.machines[0].state.Workers[0].Slashed = true },
		"without stake":       func(f *fake) { f.machines[0].state.Stake = cocoon.TON(6) },
		"without terms":       func(f *fake) { f.machines[0].state.Terms = nil },
		"not on the chain":    func(f *fake) { f.machines[0].provider = cocoon.Account{1} },
		"another registry's":  func(f *fake) { f.machines[0].state.Birth.Registry = cocoon.Account{1} },
		"another worker":      func(f *fake) { f.machines[0].state.Workers[0].Key = [32]byte{5} },
		"another certificate": func(f *fake) { f.machines[0].state.Workers[0].Key = wrappers.PublicKey(f.machines[0].b) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 1)
			spoil(f)
			c := f.client()
			_, err := c.Start(t.Context(), request())
			require.Equal(t, api.CodeNoCapacity, code(err), "%v", err)
			f.mu.Lock()
			defer f.mu.Unlock()
			require.Empty(t, f.got[stream.StartVerb])
		})
	}
}

func TestSession_AnotherDaemonOrALieEndsItForGood(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func(*stream.State){
		"a voucher never signed": func(s *stream.State) { s.Cover = cocoon.TON(1) },
		"use never agreed":       func(s *stream.State) { s.Used = cocoon.NanoOf(1) },
		"pay never agreed":       func(s *stream.State) { s.Paid = cocoon.NanoOf(1) },
	} {
		f := newFake(t, 1)
		f.mu.Lock()
		f.hello = func(h stream.Hello) stream.Message {
			s := stream.State{Session: h.Session, Node: node}
			lie(&s)
			return s
		}
		f.mu.Unlock()
		_, err := f.connect(f.config(), f.policy())
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "%s: %v", name, err)
	}
	f := newFake(t, 1)
	f.mu.Lock()
	f.hello = func(stream.Hello) stream.Message { return &stream.Fail{Code: stream.ChannelInUse} }
	f.mu.Unlock()
	_, err := f.connect(f.config(), f.policy())
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.Equal(t, api.CodeConflict, code(err))
}

func TestSession_SpeaksInClearWithItsOwnMachineOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	for _, url := range []string{"nats://192.0.2.1:4222", "ws://192.0.2.1", "nats://example.org"} {
		cfg := f.config()
		cfg.URL = url
		_, err := f.connect(cfg, f.policy())
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), url)
	}
}

func TestSession_RefusalsReachTheApplicationByTheirCode(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	for fail, want := range map[stream.Code]api.Code{stream.NoCapacity: api.CodeNoCapacity, stream.BadRequest: api.CodeInvalid, stream.Lagging: api.CodeUnavailable, stream.Overdue: api.CodeTimeout,
		stream.NeedCover: api.CodeVoucher} {
		f.mu.Lock()
		f.serve = func(f *fake, s stream.Start, _ *double) {
			f.say(&stream.Fail{Request: s.Route.Request, Code: fail, Wait: 700, Text: "says why"})
		}
		f.mu.Unlock()
		_, err := c.Start(t.Context(), request())
		require.Equal(t, want, code(err), fail)
		var e *api.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 700*time.Millisecond, e.RetryAfter)
		require.Contains(t, err.Error(), "says why")
		if fail != stream.BadRequest && fail != stream.Overdue {
			require.NotEmpty(t, cocoon.HintOf(err), "and what to do")
		}
	}
	require.Zero(t, c.ledger.Figures().Used)
	require.Zero(t, c.ledger.Figures().Reserved, "nothing is owed")
}

func TestSession_AsksOnceMoreWithCoverOrANewLease(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	for _, fail := range []stream.Fail{{Code: stream.LeaseGone}, {Code: stream.NeedCover, Need: cocoon.NanoOf(15_000_000)}, {Code: stream.WrongKey}} {
		times := 0
		f.mu.Lock()
		f.serve = func(f *fake, s stream.Start, d *double) {
			if times++; times == 1 {
				no := fail
				no.Request = s.Route.Request
				f.say(&no)
				return
			}
			if s.Pay.Cover.Cumulative.Cmp(fail.Need) >= 0 {
				d.honest()
			}
		}
		f.mu.Unlock()
		_, _, err := ask(t.Context(), c)
		require.ErrorIs(t, err, io.EOF, fail.Code)
	}
	f.serves(func(f *fake, s stream.Start, _ *double) {
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.NeedCover, Need: cocoon.TON(3)})
	})
	_, err := c.Start(t.Context(), request())
	require.Equal(t, api.CodeVoucher, code(err), "three TON are more than it is trusted with")
	f.within(t)
}

func TestSession_ClosingCancelsAtOnceAndPaysWhatWasDone(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	running := make(chan *double, 1)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(16, false, chunk(reply)))
		running <- d
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	var g errgroup.Group
	g.Go(a.Close)
	cancel, err := stream.ParseCancel(f.until(stream.CancelVerb))
	require.NoError(t, err)
	require.EqualValues(t, 1, cancel.Seq)
	d := <-running
	f.mu.Lock()
	d.frame(32, true) // made before the cancel came, and never sent
	d.final(nil)
	f.mu.Unlock()
	require.NoError(t, g.Wait())
	got := a.Bill()
	require.Equal(t, cocoon.Usage{Prompt: promptTokens, Completion: 16}, got.Usage, "what arrived")
	_, err = a.Next(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF, "never a fake end")
}

// Whoever goes away before it heard that a worker has the request, or whose time is
// over, answers the bill for what was done all the same, or its dispatcher would wait
// for ever; and is told what that was, where it came in time.
func TestSession_ABillThatComesAfterTheApplicationHasGoneIsAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patience time.Duration
		overdue  bool
	}{"while it is awaited": {5 * time.Second, false}, "when its time is over": {5 * time.Second, true}, "and after that": {10 * time.Millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 1)
			cfg := f.config()
			cfg.Patience = c.patience
			client, err := f.connect(cfg, f.policy())
			require.NoError(t, err)
			running := make(chan *double, 1)
			f.mu.Lock()
			f.serve = func(_ *fake, _ stream.Start, d *double) { running <- d }
			f.mu.Unlock()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := request()
			if c.overdue {
				r.Deadline = time.Now().Add(200 * time.Millisecond)
			}
			var g errgroup.Group
			var bill api.Bill
			g.Go(func() (err error) { _, bill, err = askFor(ctx, client, r); return err })
			d := <-running
			if !c.overdue {
				cancel()
			}
			f.until(stream.CancelVerb)
			require.Eventually(t, func() bool { return c.patience > time.Second || client.ledger.Figures().Open == 0 }, 10*time.Second, time.Millisecond)
			f.mu.Lock()
			d.honest()
			f.mu.Unlock()
			settle, err := stream.ParseSettle(f.until(stream.SettleVerb))
			require.NoError(t, err)
			require.Len(t, settle.Agreed, 1)
			require.Equal(t, d.route.Request, settle.Agreed[0].Request)
			require.Zero(t, client.ledger.Figures().Open)
			if err = g.Wait(); c.overdue {
				require.Equal(t, api.CodeTimeout, code(err))
			} else {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.Equal(t, client.ledger.Figures().Used, bill.Cost)
			require.Equal(t, c.patience > time.Second, !bill.Cost.IsZero())
		})
	}
}

func TestSession_MoreIsSetAsideAsAnAnswerGrows(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	f.serves(func(f *fake, s stream.Start, d *double) {
		d.took()
		f.say(stream.Want{Request: s.Route.Request, Need: cocoon.NanoOf(1)}) // too early for more than what is signed
		d.send(d.frame(256, false, chunk(strings.Repeat("a", 300))))
		f.say(stream.Want{Request: s.Route.Request, Need: cocoon.NanoOf(1)})
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	f.until(stream.MoreVerb)
	f.until(stream.MoreVerb)
	start, err := stream.ParseStart(f.heard(stream.StartVerb)[0])
	require.NoError(t, err)
	want, err := price.Cost(cocoon.Usage{Prompt: uint64(start.Size) + f.config().Overhead, Completion: 2 * 512})
	require.NoError(t, err)
	require.Equal(t, want, a.Reserved())
	require.Equal(t, want, c.ledger.Figures().Reserved)
	require.NoError(t, a.Close())
}

// A dispatcher with cover of other requests at hand asks for none: what comes is set
// aside all the same, or the answer could not be paid.
func TestSession_WhatComesUnaskedIsSetAside(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(1200, false, chunk(strings.Repeat("a", 1300))))
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	came, err := price.Cost(cocoon.Usage{Completion: 1200})
	require.NoError(t, err)
	require.Positive(t, a.Reserved().Cmp(came))
	require.Equal(t, a.Reserved(), c.ledger.Figures().Reserved)
	require.NoError(t, a.Close())
}

func TestSession_AServerThatComesBackIsAskedForWhatWasMissed(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	cfg := f.config()
	cfg.Silence = 30 * time.Second
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	var running *double
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.answerFrames()[0])
		running = d
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	f.listen(f.die())
	resume, err := stream.ParseResume(f.until(stream.ResumeVerb))
	require.NoError(t, err)
	require.EqualValues(t, 1, resume.Seq)
	f.mu.Lock()
	running.send(running.frames...)
	running.final(nil)
	f.mu.Unlock()
	_, err = read(t.Context(), a)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, a.Close())
	require.Equal(t, fairCost(t), a.Bill().Cost)
}

func TestSession_AnAnswerOfAServerThatStaysAwayEndsAfterOneSilence(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	cfg := f.config()
	cfg.Silence, cfg.Patience = 500*time.Millisecond, 10*time.Minute
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.answerFrames()[0])
	})
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	_, err = a.Next(t.Context())
	require.NoError(t, err)
	f.die()
	_, err = read(t.Context(), a)
	require.Equal(t, api.CodeWorkerLost, code(err))
	require.NoError(t, a.Close(), "nobody waits for a bill that cannot come")
	came, err := price.Cost(cocoon.Usage{Completion: 16})
	require.NoError(t, err)
	require.Equal(t, came, a.Bill().Cost, "until the bill comes, what came")
}

func TestSession_WhatHasNoTokenOfAServerThatStaysAwayCostsNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	cfg := f.config()
	cfg.Silence = 500 * time.Millisecond
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	f.takes()
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	f.die()
	_, err = read(t.Context(), a)
	require.Equal(t, api.CodeUnavailable, code(err), "it may be asked again")
	require.NoError(t, a.Close())
	require.Zero(t, a.Bill().Cost)
	require.Zero(t, c.ledger.Figures().Open, "whatever bill comes")
}

func TestSession_ANewServerIsAskedForLeasesOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	c := f.client()
	ask := func() {
		a, err := c.Start(t.Context(), request())
		require.NoError(t, err)
		_, err = read(t.Context(), a)
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, a.Close())
	}
	ask()
	f.mu.Lock()
	given := f.lease
	f.mu.Unlock()
	f.listen(f.die())
	require.Eventually(t, func() bool { gone, _ := c.Err(); return gone == nil && len(f.heard(stream.HelloVerb)) == 2 }, 30*time.Second, time.Millisecond)
	ask()
	starts := f.heard(stream.StartVerb)
	start, err := stream.ParseStart(starts[len(starts)-1])
	require.NoError(t, err)
	require.Greater(t, start.Pay.Lease, given)
}

func TestSession_AnAnswerThatNobodyReadsIsCancelled(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	cfg := f.config()
	cfg.Buffer = stream.MaxFrame
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		for n := range uint32(40) {
			d.send(d.frame(n, false, chunk(strings.Repeat("x", 16<<10))))
		}
	})
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	a, err := c.Start(t.Context(), request())
	require.NoError(t, err)
	f.until(stream.CancelVerb)
	_, err = read(t.Context(), a)
	require.Equal(t, api.CodeWorkerLost, code(err), "what was read is no whole answer: %v", err)
	require.NoError(t, a.Close())
}

func TestSession_EmbeddingsComeWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	body := `{"object":"list","data":[],"usage":{"prompt_tokens":10,"total_tokens":10}}`
	f.serves(func(_ *fake, s stream.Start, d *double) {
		d.took()
		d.send(d.frame(0, true, body))
		d.final(func(u *receipt.Usage) {
			u.Content.Usage.Completion = 0
			u.Content.Cost = must(price.Cost(u.Content.Usage))
		})
	})
	c := f.client()
	r := request()
	r.Endpoint, r.Choices = "/v1/embeddings", 0
	a, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	items, err := read(t.Context(), a)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []string{body}, items)
	require.NoError(t, a.Close())
	require.Equal(t, cocoon.Usage{Prompt: promptTokens}, a.Bill().Usage)
	_, err = c.Start(t.Context(), api.Request{Endpoint: "/v1/moderations"})
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestSession_TimeOverIsTold(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(1, false, chunk("a")))
	})
	cfg := f.config()
	cfg.Silence = 30 * time.Second
	c, err := f.connect(cfg, f.policy())
	require.NoError(t, err)
	r := request()
	r.Deadline = time.Now().Add(time.Second) // a worker took it by then
	a, err := c.Start(t.Context(), r)
	require.NoError(t, err)
	_, err = read(t.Context(), a)
	require.Equal(t, api.CodeTimeout, code(err))
	f.until(stream.CancelVerb)
	require.NoError(t, a.Close())
}
