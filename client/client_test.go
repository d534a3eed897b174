package client_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestClient_EscrowsGrantsAndOpensTheResult(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	require.Equal(t, cocoon.NanoOf(1_000_000_007), w.sent[0].Amount, "budget and fee")
	done := w.attend(job)
	m := w.machine(1, nil)
	w.intents <- m.intent(job)
	g := next(t, w.grants)
	require.Equal(t, m.id(), g.Worker)
	offer := w.jobs[job].Offer
	key, err := envelope.OpenGrant(g.Grant.Wrap, job, offer.Work.PayloadHash, m.key)
	require.NoError(t, err)
	payload, err := envelope.Open(w.blobs[hex.EncodeToString(offer.Work.PayloadHash[:])], key)
	require.NoError(t, err)
	require.Equal(t, line, string(payload))
	w.accepted(job, m)
	w.delivered(job, answer(t, "a"), fairAmount)
	got := next(t, done)
	require.NoError(t, got.err)
	require.Equal(t, client.Result{Job: job, Provider: m.provider, Worker: m.id(), File: answer(t, "a"), Answered: 1, Lines: 1, Amount: fairAmount,
		Usage: cocoon.Usage{Prompt: 10, Completion: 5}}, got.result)
	c := w.client()
	require.NoError(t, c.Approve(t.Context(), job))
	require.Equal(t, cocoon.NanoOf(9), w.sent[1].Amount)
	for _, hidden := range []string{secret, hex.EncodeToString(key[:])} {
		require.NotContains(t, w.log.String(), hidden)
	}
}

func TestClient_SubmitRefusesBeforeMoneyMovesAndKeepsNothing(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(w *town, t *client.Terms, file *string){
		"needs a budget":            func(_ *town, t *client.Terms, _ *string) { t.Budget = cocoon.Nano{} },
		"holds no request":          func(_ *town, _ *client.Terms, f *string) { *f = "" },
		"is not a JSON object":      func(_ *town, _ *client.Terms, f *string) { *f = "hello" },
		"has 8388609 bytes":         func(_ *town, _ *client.Terms, f *string) { *f = strings.Repeat("x", 9<<20) },
		`model "x" is not in the`:   func(_ *town, _ *client.Terms, f *string) { *f = strings.ReplaceAll(line, model, "x") },
		`not "another"`:             func(_ *town, t *client.Terms, _ *string) { t.Model = "another" },
		"is suspended":              func(w *town, _ *client.Terms, _ *string) { w.registry.Models[0].SuspendedUntil = start + 1 },
		"published no terms":        func(w *town, _ *client.Terms, _ *string) { w.registry.JobTerms = nil },
		"on network 5, not ours":    func(w *town, _ *client.Terms, _ *string) { w.terms["global_id"] = 5 },
		"serves registry 0:0":       func(w *town, _ *client.Terms, _ *string) { w.terms["registry"] = cocoon.Account{1} },
		"takes 501 bps":             func(w *town, _ *client.Terms, _ *string) { w.terms["bps"] = 501 },
		"a second at least":         func(_ *town, t *client.Terms, _ *string) { t.Work = 0 },
		"acceptance 720h0m0s":       func(_ *town, t *client.Terms, _ *string) { t.AcceptIn = 721 * time.Hour },
		"take at most":              func(_ *town, t *client.Terms, _ *string) { t.Review = 1000 * time.Hour * 24 },
		"bps are more than all":     func(_ *town, t *client.Terms, _ *string) { t.DefaultBps = 10_001 },
		"the test says so":          func(w *town, _ *client.Terms, _ *string) { w.broken["POST /v1/jobs"] = 400 },
		"no money at all":           func(w *town, _ *client.Terms, _ *string) { w.sending = cocoon.NoMoney.Errorf("no money at all") },
		"answer is not understood":  func(w *town, _ *client.Terms, _ *string) { w.terms["bps"] = "many" },
		"dispatcher: the test says": func(w *town, _ *client.Terms, _ *string) { w.broken["GET /v1/dispatcher"] = 503 },
	} {
		w, terms, file := newTown(t), terms(), line
		change(w, &terms, &file)
		_, err := w.client().Submit(t.Context(), strings.NewReader(file), terms)
		require.ErrorContains(t, err, want)
		require.Empty(t, w.sent, want)
		kept, err := os.ReadDir(w.dir)
		require.NoError(t, err)
		require.Empty(t, kept, want)
	}
}

func TestClient_KeepsTheDispatchersHintAndKind(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.broken["POST /v1/jobs"] = 402
	_, err := w.client().Submit(t.Context(), strings.NewReader(line), terms())
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(errors.Unwrap(err)))
	require.Equal(t, "ask the test", cocoon.HintOf(err))

	w.api.Close()
	_, err = w.client().Submit(t.Context(), strings.NewReader(line), terms())
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
}

// spying looks at the folder when money moves.
type spying struct {
	*town
	see func()
}

func (s spying) Send(ctx context.Context, m ...chain.Message) (chain.Sent, error) {
	s.see()
	return s.town.Send(ctx, m...)
}

func TestClient_SecretsAreOnDiskForItsOwnerOnlyBeforeMoneyMoves(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seen := 0
	cfg := client.DefaultConfig()
	cfg.Dispatcher, cfg.Data, cfg.GlobalID, cfg.Registry = w.api.URL, w.dir, netID, registry
	c, err := client.New(cfg, client.Deps{Chain: w, Sender: spying{w, func() {
		files, err := os.ReadDir(w.dir)
		require.NoError(t, err)
		for _, f := range files {
			info, err := f.Info()
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode())
			seen++
		}
	}}})
	require.NoError(t, err)
	_, err = c.Submit(t.Context(), strings.NewReader(line), terms())
	require.NoError(t, err)
	require.Equal(t, 2, seen, "secrets and payload")
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	require.NoError(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		require.NotContains(t, string(text), secret)
	}
}

func TestClient_AJobWhoseOpeningIsUncertainIsAttendedTo(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.sending = chain.ErrOutcomeUnknown
	job, err := w.client().Submit(t.Context(), strings.NewReader(line), terms())
	require.ErrorIs(t, err, chain.ErrOutcomeUnknown)
	got := next(t, w.attend(job))
	require.ErrorContains(t, got.err, "never opened, and nothing was paid")
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(got.err))

	w.set(job, func(j *wrappers.Job) { // it had left after all
		files, err := w.client().Jobs()
		require.NoError(t, err)
		require.Equal(t, []cocoon.Account{job}, files)
		root := w.offers[job]
		*j = wrappers.Job{Phase: wrappers.JobClosed, Offer: offerOf(t, root.Offer)}
	})
	require.ErrorContains(t, next(t, w.attend(job)).err, "accepted by nobody")
}

func TestClient_GrantsOnlyToWhatTheChainProves(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(p *wrappers.Provider){
		"no active worker":       func(p *wrappers.Provider) { p.Workers[0].RetiredAt = 5 },
		"no active worker of":    func(p *wrappers.Provider) { p.Workers = nil },
		"has staked 6.999999999": func(p *wrappers.Provider) { p.Stake = cocoon.NanoOf(6_999_999_999) },
		"has taken no terms":     func(p *wrappers.Provider) { p.Terms = nil },
		"runs none of the":       func(p *wrappers.Provider) { p.Birth.Index++ },
		"is registered with":     func(p *wrappers.Provider) { p.Birth.Registry = cocoon.Account{1} },
		"does not serve the model": func(p *wrappers.Provider) {
			p.Workers[0].Record = record(wrappers.ModelOffer{Model: cocoon.NewModelID("x"), Price: caps})
		},
		"within the price caps": func(p *wrappers.Provider) {
			p.Workers[0].Record = record(wrappers.ModelOffer{Model: cocoon.NewModelID(model), Price: cocoon.Price{Prompt: cocoon.TON(2)}})
		},
		"nothing can be read out of:": nil,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			job := w.submit()
			m := w.machine(1, spoil)
			if spoil == nil {
				w.change(func() { delete(w.provider, m.provider) })
				want = "there is no contract"
			}
			done := w.attend(job)
			w.intents <- m.intent(job)
			require.Eventually(t, func() bool { return strings.Contains(w.log.String(), want) }, wait, time.Millisecond, w.log)
			require.Empty(t, w.grants)
			honest := w.machine(2, nil)
			w.intents <- honest.intent(job)
			require.Equal(t, honest.id(), next(t, w.grants).Worker)
			w.set(job, func(j *wrappers.Job) { j.Phase = wrappers.JobClosed })
			require.Error(t, next(t, done).err)
		})
	}
}

func TestClient_GrantsOnlyToACertifiedKey(t *testing.T) {
	t.Parallel()
	for want, forge := range map[string]func(m machine, job cocoon.Account) bus.Intent{
		"is not signed by worker": func(m machine, job cocoon.Account) bus.Intent {
			i := m.intent(job)
			i.Signature[0]++
			return i
		},
		"is for job": func(m machine, _ cocoon.Account) bus.Intent { return m.intent(cocoon.Account{1}) },
		"is for network": func(m machine, job cocoon.Account) bus.Intent {
			return bus.SignIntent(m.worker, bus.Certificate{GlobalID: 1, Provider: m.provider, NotAfter: 1 << 31}, job, m.key.Public())
		},
		"has run out": func(m machine, job cocoon.Account) bus.Intent {
			return bus.SignIntent(m.worker, bus.Certificate{GlobalID: netID, Provider: m.provider, NotAfter: 1}, job, m.key.Public())
		},
		"envelope key": func(m machine, job cocoon.Account) bus.Intent {
			i := m.intent(job)
			i.PublicKey = i.PublicKey[1:]
			return i
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			job := w.submit()
			m := w.machine(1, nil)
			done := w.attend(job)
			w.intents <- forge(m, job)
			require.Eventually(t, func() bool { return strings.Contains(w.log.String(), want) }, wait, time.Millisecond, w.log)
			require.Empty(t, w.grants)
			w.set(job, func(j *wrappers.Job) { j.Phase = wrappers.JobClosed })
			require.Error(t, next(t, done).err)
		})
	}
}

func TestClient_ShowsThePromptToOneWorkerUntilItRefuses(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	var machines []machine
	for n := range byte(5) {
		machines = append(machines, w.machine(n+1, nil))
	}
	done := w.attend(job)
	grantTo := func(m machine) {
		t.Helper()
		w.intents <- m.intent(job)
		require.Equal(t, m.id(), next(t, w.grants).Worker)
	}
	refuse := func(m machine, why string) {
		t.Helper()
		w.intents <- m.intent(job)
		require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "no grant to worker "+m.id().String()+": "+why) }, wait, time.Millisecond)
		require.Empty(t, w.grants)
	}
	grantTo(machines[0])
	grantTo(machines[0]) // its next run
	refuse(machines[1], "worker "+machines[0].id().String()+" has the key")
	w.change(func() { w.refused[machines[0].id()] = "busy" })
	grantTo(machines[1])
	w.change(func() { w.refused[machines[1].id()] = "busy" })
	grantTo(machines[2])
	w.change(func() { w.refused[machines[2].id()] = "busy" })
	refuse(machines[3], "3 workers were granted")
	w.set(job, func(j *wrappers.Job) { j.Phase = wrappers.JobClosed })
	require.Error(t, next(t, done).err)
}

func TestClient_AKilledClientStillKnowsWhoHasTheKey(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	one, two := w.machine(1, nil), w.machine(2, nil)
	ctx, kill := context.WithCancel(t.Context())
	killed := make(chan error, 1)
	go func() {
		_, err := w.client().Attend(ctx, job)
		killed <- err
	}()
	w.intents <- one.intent(job)
	next(t, w.grants)
	kill()
	require.ErrorIs(t, next(t, killed), context.Canceled)
	done := w.attend(job)
	w.intents <- two.intent(job)
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "has the key and has not refused") }, wait, time.Millisecond)
	require.Empty(t, w.grants)
	w.accepted(job, one)
	w.delivered(job, answer(t, "a"), fairAmount)
	require.NoError(t, next(t, done).err)
}

func TestClient_AsksAgainWhenTheDispatcherFails(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"POST /v1/jobs", "PUT /v1/blobs/{hash}", "GET /v1/jobs/{job}/intent", "POST /v1/jobs/{job}/grant"} {
		for _, status := range []int{404, 409, 500, 503} {
			w := newTown(t)
			job := w.submit()
			w.change(func() { w.broken[path] = status })
			done := w.attend(job)
			m := w.machine(1, nil)
			w.intents <- m.intent(job)
			require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "the test says so") }, wait, time.Millisecond)
			w.change(func() { delete(w.broken, path) })
			w.intents <- m.intent(job)
			next(t, w.grants)
			w.accepted(job, m)
			w.delivered(job, answer(t, "a"), fairAmount)
			require.NoError(t, next(t, done).err)
		}
	}
}

func TestClient_GivesUpWhenTheDispatcherRefusesForGood(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403} {
		w := newTown(t)
		job := w.submit()
		w.change(func() { w.broken["POST /v1/jobs"] = status })
		require.ErrorContains(t, next(t, w.attend(job)).err, "the test says so")
	}
}

func TestClient_ABlobThatIsNotTheDeliveredResultIsNotTaken(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	m := w.machine(1, nil)
	done := w.attend(job)
	w.accepted(job, m)
	require.Eventually(t, func() bool { // announced, so that its result key is known
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.offers[job].Offer != nil
	}, wait, time.Millisecond)
	var raw []byte
	w.change(func() { raw = w.offers[job].ResultKey })
	key, err := envelope.ParsePublicKey(raw)
	require.NoError(t, err)
	blob, err := envelope.EncryptResult(rejectingNothing{}, answer(t, "a"), job, key)
	require.NoError(t, err)
	hash := envelope.Hash(blob)
	name := hex.EncodeToString(hash[:])
	w.set(job, func(j *wrappers.Job) {
		bad := bytes.Clone(blob)
		bad[len(bad)-1]++
		w.blobs[name] = bad
		j.Phase, j.Result = wrappers.JobDelivered, &wrappers.Delivery{ResultHash: hash, Amount: wrappers.Coins{Nano: fairAmount}}
	})
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "sent another blob") }, wait, time.Millisecond)
	w.change(func() { w.blobs[name] = blob })
	require.NoError(t, next(t, done).err)
}

// rejectingNothing is a poor source of randomness.
type rejectingNothing struct{}

func (rejectingNothing) Read(p []byte) (int, error) { return len(p), nil }

func TestClient_AResultThatIsJunkOrTooDearIsTold(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		file   []byte
		amount cocoon.Nano
	}{
		"what was not asked":            {answer(t, "b"), fairAmount},
		"leave 1 of 1":                  {nil, fairAmount},
		"line 1 is not valid":           {[]byte("hello"), fairAmount},
		"0.000020001 TON for what cost": {answer(t, "a"), cocoon.NanoOf(20_001)},
	} {
		w := newTown(t)
		job := w.submit()
		done := w.attend(job)
		w.accepted(job, w.machine(1, nil))
		w.delivered(job, c.file, c.amount)
		got := next(t, done)
		require.ErrorContains(t, got.err, want)
		require.Equal(t, errors.Is(got.err, client.ErrOvercharged), got.result.File != nil, want)
	}
}

func TestClient_OneJobIsAttendedToOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	c := w.client()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Attend(ctx, job)
		done <- err
	}()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.blobs) == 1 // it has begun
	}, wait, time.Millisecond)
	_, err := c.Attend(t.Context(), job)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.ErrorContains(t, err, "attended to already")
	stop()
	require.ErrorIs(t, next(t, done), context.Canceled)
}

func TestClient_OnlyItsOwnJobsAndOnlyInTheirPhase(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	c := w.client()
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(c.Approve(t.Context(), job)), "not delivered")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(c.Forget(t.Context(), job)), "not closed")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(c.Cancel(t.Context(), cocoon.Account{1})), "no such job")
	_, err := c.Attend(t.Context(), cocoon.Account{1})
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	w.set(job, func(j *wrappers.Job) { j.Offer.Client = cocoon.Account{1} })
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(c.Cancel(t.Context(), job)))
	w.set(job, func(j *wrappers.Job) { j.Offer.Client = payer })
	require.NoError(t, c.Cancel(t.Context(), job))
	require.NoError(t, c.Forget(t.Context(), job))
	jobs, err := c.Jobs()
	require.NoError(t, err)
	require.Empty(t, jobs)
}

func TestClient_ADamagedFileIsToldWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	job := w.submit()
	path := filepath.Join(w.dir, hex.EncodeToString(job[:])+".json")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	other := cocoon.Account{1}
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, hex.EncodeToString(other[:])+".json"), good, 0o600))
	_, err = w.client().Attend(t.Context(), other)
	require.ErrorContains(t, err, "holds the secrets of")
	for _, bad := range [][]byte{nil, []byte("{}"), good[:len(good)/2], bytes.Replace(good, []byte(`"token":"`), []byte(`"taken":"`), 1)} {
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		_, err = w.client().Attend(t.Context(), job)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(errors.Unwrap(err)))
		require.Less(t, len(err.Error()), 300)
	}
}

func TestConfig_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := client.DefaultConfig()
	good.Dispatcher, good.Data, good.Registry = "http://localhost", "folder", registry
	require.NoError(t, good.Validate())
	edits := []func(*client.Config){
		func(c *client.Config) { c.Dispatcher = "" }, func(c *client.Config) { c.Data = "" }, func(c *client.Config) { c.Registry = cocoon.Account{} },
		func(c *client.Config) { c.MaxBps = 10_001 }, func(c *client.Config) { c.MaxGrants = 0 }, func(c *client.Config) { c.Retry = 0 },
	}
	for i, edit := range edits {
		c := good
		edit(&c)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(c.Validate()), i)
	}
}

func offerOf(t *testing.T, boc []byte) wrappers.JobOffer {
	t.Helper()
	root, err := cell.FromBOC(boc)
	require.NoError(t, err)
	o, err := wrappers.Decode[wrappers.JobOffer](root)
	require.NoError(t, err)
	return o
}

func record(m wrappers.ModelOffer) *cell.Cell {
	c, err := wrappers.WorkerRecord{GPU: "x", GPUs: 1, VRAMMiB: 1, Concurrency: 1, Models: []wrappers.ModelOffer{m}}.Cell()
	if err != nil {
		panic(err)
	}
	return c
}
