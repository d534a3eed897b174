package api_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

func TestKeys_AreKeptAsHashesForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	require.True(t, strings.HasPrefix(w.secret, "sk-cocoon-"))
	path := filepath.Join(w.cfg.Keys, w.key.ID+".json")
	at, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), at.Mode().Perm())
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(body), strings.TrimPrefix(w.secret, "sk-cocoon-"))
	keys, err := api.LoadKeys(w.cfg.Keys)
	require.NoError(t, err)
	require.Equal(t, []api.Key{w.key}, keys)

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = api.LoadKeys(w.cfg.Keys)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(errors.Unwrap(err)))
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"x"}`), 0o600))
	_, err = api.LoadKeys(w.cfg.Keys)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(errors.Unwrap(err)))
	// strangers learn nothing of it, nobody gets in, and the log says why
	a := w.post(openai.Chat, chat)
	require.NotContains(t, a.requireError(t, 500, api.CodeInternal).Error.Message, w.cfg.Keys)
	require.Contains(t, w.log.String(), w.cfg.Keys)
}

func TestKeys_ComeAndGoWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
	key, secret := w.newKey("second", api.Limits{})
	second := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }
	a, err := do(w.ask(http.MethodPost, openai.Chat, chat, second))
	require.NoError(t, err)
	require.Equal(t, 200, a.status)
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
	require.NoError(t, os.Remove(filepath.Join(w.cfg.Keys, key.ID+".json")))
	a, err = do(w.ask(http.MethodPost, openai.Chat, chat, second))
	require.NoError(t, err)
	a.requireError(t, 401, api.CodeInvalidKey)
}

func TestLimits_OfAMinuteAndAtATime(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	w := newTown(t, scripted(func(r api.Request) *script {
		s := said()
		if strings.Contains(string(r.Body), "wait") {
			s.gate = gate
		}
		return s
	}), func(_ *api.Config, l *api.Limits) { l.Requests, l.Open = 4, 2 })
	var group errgroup.Group
	for range 2 {
		r := w.ask(http.MethodPost, openai.Chat, strings.Replace(chat, "something", "wait", 1), nil)
		group.Go(func() error {
			_, err := do(r)
			return err
		})
		<-w.backend.seen
	}
	a := w.post(openai.Chat, chat)
	require.Contains(t, a.requireError(t, 429, api.CodeRateLimit).Error.Message, "at a time")
	require.Equal(t, []string{"1000", "1"}, []string{a.header.Get("Retry-After-Ms"), a.header.Get("Retry-After")})
	close(gate)
	require.NoError(t, group.Wait())
	require.Equal(t, 200, w.post(openai.Chat, chat).status, "what was refused does not count")
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
	a = w.post(openai.Chat, chat)
	require.Contains(t, a.requireError(t, 429, api.CodeRateLimit).Error.Message, "requests a minute")
	require.Equal(t, "15000", a.header.Get("Retry-After-Ms"))
	w.clock.advance(15 * time.Second)
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
}

func TestLimits_TokensAreCountedWhenTheyAreKnown(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script { return said() }), func(_ *api.Config, l *api.Limits) { l.Tokens = 60 })
	for range 6 { // 9 tokens each, whatever was expected of them
		require.Equal(t, 200, w.post(openai.Chat, strings.Replace(chat, `{`, `{"max_tokens":1,`, 1)).status)
		w.clock.advance(6 * time.Second) // 6 tokens
	}
	a := w.post(openai.Chat, chat) // 512 are expected, and the bucket is not full
	require.Contains(t, a.requireError(t, 429, api.CodeRateLimit).Error.Message, "tokens a minute")
	w.clock.advance(time.Minute)
	require.Equal(t, 200, w.post(openai.Chat, chat).status, "a full bucket lets anything through")
}

// Of many requests at once no more are let through than the budget pays, though
// none of them has cost anything yet.
func TestBudget_CountsOpenReserves(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := scripted(func(api.Request) *script {
		s := said()
		s.gate = gate
		return s
	})
	b.reserve = cocoon.NanoOf(100)
	w := newTown(t, b, func(_ *api.Config, l *api.Limits) {
		l.BudgetDay, l.BudgetTotal = cocoon.NanoOf(350), cocoon.NanoOf(500)
	})
	var group errgroup.Group
	var refused atomic.Int64
	for range 10 {
		r := w.ask(http.MethodPost, openai.Chat, chat, nil)
		group.Go(func() error {
			a, err := do(r)
			if err == nil && a.status == 402 && strings.Contains(a.body, "budget_exceeded") {
				if refused.Add(1) == 7 {
					close(gate)
				}
				return nil
			}
			if err == nil && a.status != 200 {
				return fmt.Errorf("status %d: %s", a.status, a.body)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, int64(7), refused.Load())
	require.Equal(t, int64(3), b.started.Load())
	// 81 are spent: of the day 269 are left, two reserves, one after the other at its true cost
	for range 7 { // 27 each: to 270
		require.Equal(t, 200, w.post(openai.Chat, chat).status)
	}
	a := w.post(openai.Chat, chat)
	require.Contains(t, a.requireError(t, 402, api.CodeBudget).Error.Message, "of the day")
	// another daemon, another day
	w.close()
	w.open()
	w.post(openai.Chat, chat).requireError(t, 402, api.CodeBudget)
	w.clock.advance(12 * time.Hour)
	for range 5 { // to 405
		require.Equal(t, 200, w.post(openai.Chat, chat).status)
	}
	w.close()
	w.open()
	a = w.post(openai.Chat, chat)
	require.Contains(t, a.requireError(t, 402, api.CodeBudget).Error.Message, "in all")
	require.Len(t, w.usage(), 15)
	files, err := os.ReadDir(w.cfg.Ledger)
	require.NoError(t, err)
	require.Len(t, files, 2, "a file a day")
}

// An answer that goes on beyond what was set aside for it is cut where the
// budget ends.
func TestBudget_HoldsForAnswersThatGoOn(t *testing.T) {
	t.Parallel()
	b := scripted(func(api.Request) *script {
		s := said()
		s.reserve, s.raise = cocoon.NanoOf(100), cocoon.NanoOf(150)
		return s
	})
	b.reserve = cocoon.NanoOf(100)
	w := newTown(t, b, func(_ *api.Config, l *api.Limits) { l.BudgetDay = cocoon.NanoOf(300) })
	a := w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1))
	require.Contains(t, a.body, "Hel")
	require.NotContains(t, a.body, "[DONE]")
	require.Contains(t, a.body, `"code":"budget_exceeded"`)
	require.Equal(t, "budget_exceeded", w.usage()[0].Outcome)
	require.Equal(t, cocoon.NanoOf(27), w.usage()[0].Cost)
}

func TestLedger_SaysWhoAskedWhatAndWhatItCost(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	a := w.post(openai.Completions, `{"model":"lab/other","prompt":"one two","max_tokens":3}`)
	require.Equal(t, 200, a.status)
	require.Equal(t, []api.Entry{{
		Event: "close", ID: a.header.Get("X-Request-Id"), At: w.clock.now(), Key: w.key.ID, Endpoint: openai.Completions, Model: "lab/other",
		Cost: cocoon.NanoOf(32), Usage: cocoon.Usage{Prompt: 2, Completion: 3}, Request: "net-1", Worker: "w1", Attempts: 1, Outcome: "ok",
	}}, w.usage())
	for name, mode := range map[string]os.FileMode{".": 0o700, "usage-2026-11-05.jsonl": 0o600} {
		at, err := os.Stat(filepath.Join(w.cfg.Ledger, name))
		require.NoError(t, err)
		require.Equal(t, mode, at.Mode().Perm())
	}
}

// A ledger that was cut anywhere opens again, counts nothing twice, and what was
// open costs what was set aside for it.
func TestLedger_CutAnywhereKeepsTheBudget(t *testing.T) {
	t.Parallel()
	b := scripted(func(api.Request) *script { return said() })
	b.reserve = cocoon.NanoOf(100)
	w := newTown(t, b, nil)
	for range 4 {
		require.Equal(t, 200, w.post(openai.Chat, chat).status)
		w.clock.advance(8 * time.Hour) // two days
	}
	whole, err := os.ReadFile(filepath.Join(w.cfg.Ledger, "usage-2026-11-06.jsonl"))
	require.NoError(t, err)
	head := int64(strings.Index(string(whole), "\n") + 1)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "cut")
		require.NoError(rt, err)
		cut := rapid.IntRange(int(head), len(whole)).Draw(rt, "cut")
		require.NoError(rt, os.WriteFile(filepath.Join(dir, "usage-2026-11-06.jsonl"), whole[:cut], 0o600))
		cfg := w.cfg
		cfg.Ledger = dir
		for range 2 { // opening it again changes nothing
			s, err := api.New(cfg, api.Deps{Backend: b, Now: w.clock.now})
			require.NoError(rt, err)
			require.NoError(rt, s.Close())
		}
		var cost, n uint64
		for e, err := range api.Usage(dir) {
			require.NoError(rt, err)
			cost += e.Cost.Big().Uint64()
			n++
		}
		opened := uint64(strings.Count(string(whole[:cut]), "\n") / 2) // after the head: open, close, open, close
		require.GreaterOrEqual(rt, cost, n*27)
		require.LessOrEqual(rt, cost, n*27+73)
		require.GreaterOrEqual(rt, n, opened)
	})
}

// TestLedger_Writer is the process that TestLedger_SurvivesKills ends.
func TestLedger_Writer(t *testing.T) {
	dir := os.Getenv("COCOON_TEST_LEDGER")
	if dir == "" {
		t.Skip("it runs as a process of its own")
	}
	b := scripted(func(api.Request) *script { return said() })
	b.reserve = cocoon.NanoOf(100)
	cfg := api.DefaultConfig()
	cfg.Keys, cfg.Ledger = filepath.Join(dir, "keys"), filepath.Join(dir, "usage")
	_, secret, err := api.NewKey(cfg.Keys, "k", api.Limits{}, rand.NewChaCha8([32]byte{}), time.Unix(0, 0))
	require.NoError(t, err)
	w := &town{t: t, cfg: cfg, backend: b, log: &safeBuffer{}, clock: &clock{at: time.Unix(1793880000, 0)}, secret: secret}
	w.open()
	for {
		fmt.Println("answered", w.post(openai.Chat, chat).header.Get("X-Request-Id"))
	}
}

func TestLedger_SurvivesKills(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	told := map[string]bool{}
	for i := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestLedger_Writer$")
		cmd.Env = append(os.Environ(), "COCOON_TEST_LEDGER="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		for lines, n := bufio.NewScanner(out), 0; n < 3+i && lines.Scan(); n++ {
			if id, ok := strings.CutPrefix(lines.Text(), "answered "); ok {
				told[id] = true
			}
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}
	seen := map[string]bool{}
	for e, err := range api.Usage(filepath.Join(dir, "usage")) {
		require.NoError(t, err)
		require.False(t, seen[e.ID], "counted twice")
		seen[e.ID] = true
		want := map[string]cocoon.Nano{"ok": cocoon.NanoOf(27), "lost": cocoon.NanoOf(100)}[e.Outcome]
		require.Equal(t, want, e.Cost)
	}
	require.NotEmpty(t, told)
	for id := range told {
		require.True(t, seen[id], "answered and not counted")
	}
}
