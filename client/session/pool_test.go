package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	root "github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/channel"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/client/session"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// homes are channels to a first and a second dispatcher.
type homes struct {
	mu     sync.Mutex
	usable []*channel.Channel
	banned []string
}

func (h *homes) Usable() []*channel.Channel {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*channel.Channel{}, h.usable...)
}

func (h *homes) Ban(_ context.Context, rewards cocoon.Account, reason string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.banned = append(h.banned, reason)
	h.usable = h.usable[1:]
	return nil
}

// pays waits until a cost was agreed with one of the dispatchers.
func (h *homes) pays(t *testing.T, i int, cost cocoon.Nano) {
	t.Helper()
	require.Eventually(t, func() bool { return h.Usable()[i].Ledger.Figures().Used == cost }, 30*time.Second, time.Millisecond)
}

// list is a registry with one model, which may be suspended, and others before it.
type list struct {
	until  uint32
	before []string
}

func (l list) Registry(context.Context) (r wrappers.Registry, at uint32, err error) {
	for _, name := range append(l.before, model) {
		data, cerr := wrappers.Cell(wrappers.ModelData{Name: wrappers.Text(name)})
		r.Models, err = append(r.Models, wrappers.Listed{Key: cocoon.NewModelID(name), Data: data, SuspendedUntil: l.until}), errors.Join(err, cerr)
	}
	return r, uint32(time.Now().Unix()), err
}

// pool is a client of both dispatchers.
func pool(t *testing.T, fakes ...*fake) (*session.Pool, *homes) {
	t.Helper()
	return poolOf(t, impatient(), list{}, slog.DiscardHandler, fakes...)
}

func poolOf(t *testing.T, cfg session.Config, registry list, log slog.Handler, fakes ...*fake) (*session.Pool, *homes) {
	t.Helper()
	h := &homes{}
	for i, f := range fakes {
		at := channel.Channel{Rewards: rewards, URL: f.server.ClientURL(), Key: channelKey}
		at.Account = cocoon.Account{0xcc, byte(i)}
		l, err := money.Open(money.Config{Dir: t.TempDir(), GlobalID: netID, Channel: at.Account, Key: channelKey, Now: time.Now})
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		l.SetDeposit(cocoon.TON(1))
		at.Ledger = l
		h.usable = append(h.usable, &at)
	}
	p := session.NewPool(cfg, session.Deps{Trust: trust.New(trust.Config{GlobalID: netID, Policy: fakes[0].policy(), Chain: chainOf{fakes[0]}, Judge: judge{}, Now: time.Now}),
		Now: time.Now, Random: rand.Reader, Logger: slog.New(log)}, h, registry, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	p.Sync(ctx)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	return p, h
}

func askPool(t *testing.T, p *session.Pool) error {
	t.Helper()
	a, err := p.Start(t.Context(), request())
	if err != nil {
		return err
	}
	_, err = read(t.Context(), a)
	require.NoError(t, a.Close())
	return err
}

// withStandby is a pool over two dispatchers with the same workers.
func withStandby(t *testing.T) (home, standby *fake, p *session.Pool, h *homes) {
	t.Helper()
	home, standby = newFake(t, 2), newFake(t, 0)
	standby.machines = home.machines
	p, h = pool(t, home, standby)
	return home, standby, p, h
}

func TestPool_TheStandbyGoesOnWhereHomeIsGone(t *testing.T) {
	t.Parallel()
	home, standby, p, _ := withStandby(t)
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Empty(t, standby.heard(stream.StartVerb), "home first")
	home.serves(func(f *fake, s stream.Start, _ *double) {
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.Lagging})
	})
	require.ErrorIs(t, askPool(t, p), io.EOF, "it stopped admitting")
	require.Len(t, standby.heard(stream.StartVerb), 1)
	home.conn.Close()
	home.server.Shutdown()
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Len(t, standby.heard(stream.StartVerb), 2)
	standby.serves(func(f *fake, s stream.Start, _ *double) {
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.Lagging})
	})
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(askPool(t, p)))
}

func TestPool_TheStandbyTakesWhatHomeHasNobodyFor(t *testing.T) {
	t.Parallel()
	home, standby, p, h := withStandby(t)
	full := func(f *fake, s stream.Start, _ *double) {
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.NoCapacity, Wait: 700})
	}
	fails := func(f *fake, s stream.Start, d *double) { // all of its workers' engines do
		d.took()
		d.send(d.frame(0, false, chunk("")))
		full(f, s, d)
	}
	asked := 0
	for name, serve := range map[string]func(*fake, stream.Start, *double){"nobody takes it": full, "engines fail": fails} {
		home.serves(serve)
		a, err := p.Start(t.Context(), request())
		require.NoError(t, err, name)
		items, err := read(t.Context(), a)
		require.ErrorIs(t, err, io.EOF, name)
		require.Equal(t, chunk(reply), items[0], name)
		require.NoError(t, a.Close())
		require.Equal(t, fairCost(t), a.Bill().Cost, name)
		asked++
		require.Len(t, home.heard(stream.StartVerb), asked, name)
		require.Len(t, standby.heard(stream.StartVerb), asked, name)
	}
	require.Zero(t, h.usable[0].Ledger.Figures().Used, "who could not begin is paid nothing")
	require.Zero(t, h.usable[0].Ledger.Figures().Open)

	for _, serve := range []func(*fake, stream.Start, *double){full, fails} {
		standby.serves(serve)
		err := askPool(t, p)
		require.Equal(t, api.CodeNoCapacity, code(err))
		var e *api.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 700*time.Millisecond, e.RetryAfter)
		asked++
		require.Len(t, home.heard(stream.StartVerb), asked, "once at each")
		require.Len(t, standby.heard(stream.StartVerb), asked, "once at each")
	}
	standby.serves(func(f *fake, s stream.Start, _ *double) {
		f.say(&stream.Fail{Request: s.Route.Request, Code: stream.NeedCover, Need: cocoon.TON(3)})
	})
	require.Equal(t, api.CodeNoCapacity, code(askPool(t, p)), "the standby's want of money is not why it fails")
	asked++

	home.serves(func(f *fake, s stream.Start, d *double) {
		d.took()
		d.send(d.frame(16, false, chunk(reply)))
		full(f, s, d)
	})
	require.Equal(t, api.CodeNoCapacity, code(askPool(t, p)))
	require.Len(t, standby.heard(stream.StartVerb), asked, "after the first token nobody else goes on")
}

// takes has a dispatcher's worker take requests and send no token; the last of them is
// behind the pointer.
func (f *fake) takes() (last **double) {
	last = new(*double)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(0, false, chunk("")))
		*last = d
	})
	return last
}

func TestPool_WhatHasNoTokenGoesToTheStandbyOnceHomeIsGone(t *testing.T) {
	t.Parallel()
	home, _, p, h := withStandby(t)
	last := home.takes()
	a, err := p.Start(t.Context(), request())
	require.NoError(t, err)
	at := home.die()
	_, err = read(t.Context(), a)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, a.Close())
	require.Equal(t, fairCost(t), a.Bill().Cost)
	require.Equal(t, 2, a.Bill().Attempts)
	require.Zero(t, h.usable[0].Ledger.Figures().Open)
	h.pays(t, 1, fairCost(t))

	home.mu.Lock()
	id := (*last).route.Request
	home.receipts[id] = (*last).receipt(nil) // its worker has done the work
	home.mu.Unlock()
	home.listen(at)
	home.until(stream.SettleVerb)
	require.Zero(t, h.usable[0].Ledger.Figures().Used, "who was gone is paid nothing")
	home.mu.Lock()
	defer home.mu.Unlock()
	require.Contains(t, home.costs, id)
	require.Zero(t, home.costs[id])
	require.Zero(t, home.paid)
}

func TestPool_WhatHasNoTokenGoesToTheStandbyWhereHomeWasRestarted(t *testing.T) {
	t.Parallel()
	home, _, p, h := withStandby(t)
	last := home.takes()
	a, err := p.Start(t.Context(), request())
	require.NoError(t, err)
	home.mu.Lock()
	home.say(&stream.Fail{Request: (*last).route.Request, Code: stream.WorkerLost})
	home.mu.Unlock()
	_, err = read(t.Context(), a)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, a.Close())
	require.Zero(t, h.usable[0].Ledger.Figures().Used)
	h.pays(t, 1, fairCost(t))
}

func TestPool_WhatNobodyElseCanTakeWaitsForHome(t *testing.T) {
	t.Parallel()
	home := newFake(t, 2)
	p, h := pool(t, home)
	last := home.takes()
	a, err := p.Start(t.Context(), request())
	require.NoError(t, err)
	at := home.die()
	time.Sleep(3 * impatient().Grace)
	home.listen(at)
	home.until(stream.ResumeVerb)
	home.mu.Lock()
	(*last).send((*last).answerFrames()...)
	(*last).final(nil)
	home.mu.Unlock()
	_, err = read(t.Context(), a)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, a.Close())
	h.pays(t, 0, fairCost(t))
}

func TestPool_TheStandbyIsAskedWhereHomeHasNoWorkerOnOffer(t *testing.T) {
	t.Parallel()
	home, standby, p, _ := withStandby(t)
	home.mu.Lock()
	home.empty = true
	home.mu.Unlock()
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Empty(t, home.heard(stream.StartVerb))
	require.Len(t, standby.heard(stream.StartVerb), 1)
}

func TestPool_GoesWhereTheDispatcherHasMoved(t *testing.T) {
	t.Parallel()
	here, there := newFake(t, 2), newFake(t, 0)
	there.machines = here.machines
	p, h := pool(t, here)
	require.ErrorIs(t, askPool(t, p), io.EOF)
	h.mu.Lock()
	moved := *h.usable[0]
	moved.URL = there.server.ClientURL()
	h.usable[0] = &moved
	h.mu.Unlock()
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Empty(t, there.heard(stream.StartVerb), "while it is here as well, nothing is broken off")
	here.conn.Close()
	here.server.Shutdown()
	for end := time.Now().Add(30 * time.Second); !errors.Is(askPool(t, p), io.EOF); time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "it is found there")
	}
	require.NotEmpty(t, there.heard(stream.StartVerb))
}

func TestPool_ADispatcherThatLiesIsLeftForTheStandby(t *testing.T) {
	t.Parallel()
	home, standby, p, h := withStandby(t)
	require.ErrorIs(t, askPool(t, p), io.EOF)
	home.mu.Lock()
	home.used = cocoon.TON(1) // says so in its next answer
	home.mu.Unlock()
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.banned) == 1
	}, 30*time.Second, 10*time.Millisecond)
	require.Contains(t, h.banned[0], "an agreed use of")
	before := len(standby.heard(stream.StartVerb))
	require.ErrorIs(t, askPool(t, p), io.EOF)
	require.Len(t, standby.heard(stream.StartVerb), before+1)
}

func TestPool_NamesWhatTheRegistryLists(t *testing.T) {
	t.Parallel()
	f := newFake(t, 1)
	p, _ := pool(t, f)
	models, err := p.Models(t.Context())
	require.NoError(t, err)
	require.Len(t, models, 1)
	require.Equal(t, model, models[0].Name)
	require.Equal(t, caps, models[0].Price, "nobody has offered it yet")
	most, err := p.Reserve(t.Context(), request())
	require.NoError(t, err)
	require.ErrorIs(t, askPool(t, p), io.EOF)
	less, err := p.Reserve(t.Context(), request())
	require.NoError(t, err)
	require.Negative(t, less.Cmp(most), "by what it was offered for")
	r := request()
	r.Model = "nobody/knows"
	_, err = p.Reserve(t.Context(), r)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	none := session.NewPool(impatient(), session.Deps{Now: time.Now}, &homes{}, list{until: uint32(time.Now().Add(time.Hour).Unix())}, time.Now)
	models, err = none.Models(t.Context())
	require.NoError(t, err)
	require.Empty(t, models, "suspended")
	stale := session.NewPool(impatient(), session.Deps{Now: time.Now}, &homes{}, list{}, func() time.Time { return time.Now().Add(61 * time.Minute) })
	_, err = stale.Models(t.Context())
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "what is proven of the registry is too old")
}

// The whole way of an application: OpenAI's client, the API, the channel, a worker.
func TestPool_OpenAIsClientIsAnsweredAndPays(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	p, h := pool(t, f)
	cfg := api.DefaultConfig()
	cfg.Keys, cfg.Ledger = t.TempDir(), t.TempDir()
	_, key, err := api.NewKey(cfg.Keys, "test", api.Limits{BudgetDay: cocoon.TON(1)}, rand.Reader, time.Now())
	require.NoError(t, err)
	server, err := api.New(cfg, api.Deps{Backend: p})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	sdk := openai.NewClient(option.WithHTTPClient(&http.Client{Transport: root.Transport{Handler: server}}), option.WithAPIKey(key))
	ask := openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(secret)}}
	whole, err := sdk.Chat.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, reply+" more", whole.Choices[0].Message.Content)
	require.EqualValues(t, outTokens, whole.Usage.CompletionTokens)
	stream := sdk.Chat.Completions.NewStreaming(t.Context(), ask)
	var text string
	for stream.Next() {
		text += stream.Current().Choices[0].Delta.Content
	}
	require.NoError(t, stream.Err())
	require.Equal(t, reply+" more", text)
	ask.Model = "nobody/knows"
	_, err = sdk.Chat.Completions.New(t.Context(), ask)
	var no *openai.Error
	require.ErrorAs(t, err, &no)
	require.Equal(t, "model_not_found", no.Code)
	want, err := fairCost(t).Mul(2)
	require.NoError(t, err)
	h.pays(t, 0, want)
}
