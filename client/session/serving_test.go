package session_test

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/session"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// bare is listed before model, and no machine serves it.
const bare = "lab/nobody"

// asks is a pool that believes a dispatcher for so long, with its log.
func asks(t *testing.T, counted time.Duration, fakes ...*fake) (*session.Pool, *journal) {
	t.Helper()
	cfg, log := impatient(), &journal{}
	cfg.Counting, cfg.Counted = 10*time.Second, counted
	p, _ := poolOf(t, cfg, list{before: []string{bare}}, slog.NewTextHandler(log, nil), fakes...)
	return p, log
}

// listed is what a pool says: the models in order, with their workers.
func listed(t *testing.T, p *session.Pool) string {
	t.Helper()
	models, err := p.Models(t.Context())
	require.NoError(t, err)
	var all []string
	for _, m := range models {
		workers := "-"
		if m.Workers != nil {
			workers = fmt.Sprint(*m.Workers)
		}
		all = append(all, m.Name+" "+workers)
	}
	return strings.Join(all, ", ")
}

const unknown = bare + " -, " + model + " -"

// counting says of how many workers a dispatcher tells, whatever it is asked.
func (f *fake) counting(counts func(stream.ModelsOf) stream.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts = counts
}

// workers are so many of each model, in the order in which it is asked for.
func workers(n ...uint32) func(stream.ModelsOf) stream.Message {
	return func(stream.ModelsOf) stream.Message { return stream.Models{Workers: n} }
}

func TestModels_SayHowManyWorkersServeThemNow(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2)
	p, _ := asks(t, time.Nanosecond, f)
	require.Equal(t, bare+" 0, "+model+" 2", listed(t, p), "in the registry's order")
	q, err := stream.ParseModelsOf(f.until(stream.ModelsVerb))
	require.NoError(t, err)
	require.Equal(t, caps, q.Caps, "as a lease asks")
	require.Len(t, q.Models, 2)
	f.mu.Lock()
	f.machines = f.machines[:1]
	f.mu.Unlock()
	require.Equal(t, bare+" 0, "+model+" 1", listed(t, p))
	require.Empty(t, f.heard(stream.LeaseVerb), "nothing is leased for it")
	require.GreaterOrEqual(t, stream.MaxModels, wrappers.MaxListed, "one question is enough")
}

func TestModels_ManyWhoAskCostTheDispatcherOneQuestion(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2)
	p, _ := asks(t, time.Hour, f)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { _, _ = p.Models(t.Context()) })
	}
	all.Wait()
	require.Equal(t, bare+" 0, "+model+" 2", listed(t, p))
	require.Len(t, f.heard(stream.ModelsVerb), 1)
}

func TestModels_TheFirstDispatcherThatHasAWorkerCounts(t *testing.T) {
	t.Parallel()
	home, standby := newFake(t, 2), newFake(t, 0)
	p, _ := asks(t, time.Nanosecond, home, standby)
	for _, c := range []struct {
		home, standby func(stream.ModelsOf) stream.Message
		want          string
	}{
		{workers(3, 3), workers(7, 7), bare + " 3, " + model + " 3"},
		{nil, workers(7, 7), bare + " 7, " + model + " 2"},
		{workers(0, 0), workers(7, 7), bare + " 7, " + model + " 7"},
		{workers(0, 0), workers(0, 0), bare + " 0, " + model + " 0"},
		{older, workers(7, 7), bare + " 7, " + model + " 7"},
		{older, workers(0, 0), unknown},
		{workers(3, 3), older, bare + " 3, " + model + " 3"},
		{workers(0, 0), older, unknown},
	} {
		home.counting(c.home)
		standby.counting(c.standby)
		require.Equal(t, c.want, listed(t, p))
	}
	home.conn.Close()
	home.server.Shutdown()
	standby.counting(workers(0, 0))
	require.Eventually(t, func() bool { return listed(t, p) == bare+" 0, "+model+" 0" }, 30*time.Second, time.Millisecond, "who is away does not count")
}

// older is a dispatcher that does not know the question.
func older(stream.ModelsOf) stream.Message {
	return &stream.Fail{Code: stream.BadRequest, Text: `this dispatcher knows no "models"`}
}

func TestModels_ADispatcherThatDoesNotKnowTheQuestionIsNotAskedAtEachListing(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2)
	f.counting(older)
	p, log := asks(t, time.Hour, f)
	before := log.String()
	for range 20 {
		require.Equal(t, unknown, listed(t, p))
	}
	require.Len(t, f.heard(stream.ModelsVerb), 1)
	require.Equal(t, before, log.String(), "and that is no news")
	require.ErrorIs(t, askPool(t, p), io.EOF, "all else goes on")
}

func TestModels_AreListedWhileTheDispatcherIsSilentOrAway(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2)
	cfg := impatient()
	cfg.Counting, cfg.Counted = 50*time.Millisecond, time.Hour
	f.counting(func(stream.ModelsOf) stream.Message { return nil })
	p, _ := poolOf(t, cfg, list{before: []string{bare}}, slog.DiscardHandler, f)
	require.Equal(t, unknown, listed(t, p))
	require.Equal(t, unknown, listed(t, p))
	require.Len(t, f.heard(stream.ModelsVerb), 1)

	f = newFake(t, 2)
	p, _ = asks(t, time.Nanosecond, f)
	require.Equal(t, bare+" 0, "+model+" 2", listed(t, p))
	at := f.server.Addr().String()
	f.conn.Close()
	f.server.Shutdown()
	require.Eventually(t, func() bool { return listed(t, p) == unknown }, 30*time.Second, time.Millisecond)
	f.listen(at)
	require.Eventually(t, func() bool { return listed(t, p) == bare+" 0, "+model+" 2" }, 30*time.Second, 10*time.Millisecond)
}

func TestModels_ADispatcherThatLiesOfWorkersChangesNumbersOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, 2)
	p, _ := asks(t, time.Nanosecond, f)
	for name, c := range map[string]struct {
		answer stream.Message
		want   string
	}{
		"very many workers":         {stream.Models{Workers: []uint32{1<<32 - 1, 1<<32 - 1}}, bare + " 4294967295, " + model + " 4294967295"},
		"too few":                   {stream.Models{Workers: []uint32{1}}, unknown},
		"none":                      {stream.Models{}, unknown},
		"too many":                  {stream.Models{Workers: []uint32{1, 2, 3}}, unknown},
		"more than there may be":    {stream.Models{Workers: make([]uint32, 50_000)}, unknown},
		"an answer to another verb": {stream.Leases{}, unknown},
		"ids in place of numbers":   {stream.ModelsOf{Models: []cocoon.ModelID{{1}, {1}}}, unknown},
		"that the channel is gone":  {&stream.Fail{Code: stream.ChannelClosed}, unknown},
	} {
		f.counting(func(stream.ModelsOf) stream.Message { return c.answer })
		require.Equal(t, c.want, listed(t, p), name)
	}
	f.counting(nil)
	require.Equal(t, bare+" 0, "+model+" 2", listed(t, p), "once it tells the truth it is believed")
}
