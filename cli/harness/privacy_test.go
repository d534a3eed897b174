package harness

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// record is what passed a wire, or an engine.
type record struct {
	mu       sync.Mutex
	bytes    bytes.Buffer
	frames   [][]byte
	vouchers []voucher.Signed
}

func (r *record) add(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes.Write(b)
}

func (r *record) all() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.bytes.Bytes())
}

// listens keeps what passes a dispatcher's wire: the bus carries nothing else.
func (r *record) listens(w *wire, toWorkers *record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tap = func(_ bool, b []byte) { r.add(b) }
	w.meddle = func(m said) []said {
		if strings.HasPrefix(m.subject, "w.") || strings.HasPrefix(m.subject, "g.") || strings.HasPrefix(m.subject, "hb.") {
			toWorkers.add([]byte(m.subject + " " + m.reply + "\n"))
			toWorkers.add(m.data)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if stream.KindOf(m.data) == "frame" {
			r.frames = append(r.frames, m.data)
		}
		if start, err := stream.ParseStart(m.data); err == nil {
			r.vouchers = append(r.vouchers, start.Pay.Cover)
		}
		return []said{m}
	}
}

const question = "What does the ledger of Hieronymus Zebrafinch say of the lighthouse?"

// files are the contents of all files in a folder.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all[path] = raw
		return err
	}))
	require.NotEmpty(t, all)
	return all
}

// spellings are how a secret may be written.
func spellings(secret []byte) [][]byte {
	return [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
		[]byte(base64.StdEncoding.EncodeToString(secret)), []byte(base64.RawURLEncoding.EncodeToString(secret))}
}

// conceals reports where in b one of the secrets is found.
func conceals(t *testing.T, where string, b []byte, secrets map[string][]byte) {
	t.Helper()
	for name, secret := range secrets {
		for _, s := range spellings(secret) {
			if i := bytes.Index(b, s); i >= 0 {
				require.Fail(t, "found "+name, "in %s at %d", where, i)
			}
		}
	}
}

// told is an answer's text, and the bytes of its stream.
func (l *load) told(ctx context.Context, body map[string]any) (text string, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *l.url.Load()+"/chat/completions", bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+l.app.secret)
	r.Header.Set("Content-Type", "application/json")
	answer, err := l.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	raw, err = io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var whole struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err = json.Unmarshal(raw, &whole); err != nil || len(whole.Choices) == 0 {
		return "", fmt.Errorf("%s: %s", answer.Status, raw)
	}
	return whole.Choices[0].Message.Content, nil
}

// Nobody but client and worker reads a prompt or an answer: not on the bus, not in
// the dispatcher's files, not in anybody's log. A worker and its engine hear
// nothing of who pays.
func TestMarket_PromptAndAnswerAreReadByClientAndWorkerAlone(t *testing.T) {
	mayRun(t)
	t.Parallel()
	asked := &record{}
	spied := func(int) http.Handler {
		h := opened(engine.Config{Models: []string{model}, Answer: 40, Cost: engine.Cost{Step: 20 * time.Millisecond}})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			if err == nil {
				asked.add(fmt.Appendf(nil, "%s %s %v\n%s", r.Method, r.URL, r.Header, raw))
			}
			r.Body = io.NopCloser(bytes.NewReader(raw))
			h.ServeHTTP(w, r)
		})
	}
	w := newWorld(t, size{Daemons: 1, Dispatchers: 1, Providers: 2, Machines: 1, Concurrency: 8}, spied, nil)
	bus, toWorkers := &record{}, &record{}
	bus.listens(w.houses[0].wire, toWorkers)
	w.houses[0].wire.cut() // all come again, and are heard from their logins on
	a := w.apps[0]
	l := newLoad(a)
	require.NoError(t, l.find())
	var text string
	w.await("an answer", func() bool {
		var err error
		text, err = l.told(t.Context(), map[string]any{"model": model, "max_tokens": 60, "messages": []map[string]string{{"role": "user", "content": question}}})
		return err == nil
	})
	require.Greater(t, len(text), 40)
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			if what, _ := l.post(t.Context(), ask{words: 20, tokens: 40, stream: true}); what != "whole" {
				return errors.New(what)
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	f, err := a.figures()
	require.NoError(t, err)
	channel := f.Accounts[w.houses[0].rewards]
	keys := w.channelKeys(a)
	require.NoError(t, a.stop())
	for _, m := range w.machines {
		require.NoError(t, m.stop())
	}
	require.NoError(t, w.houses[0].stop())

	content := map[string][]byte{"the prompt": []byte(question[:24]), "its end": []byte(question[40:]), "a prompt": []byte(secretWord), "the answer": []byte(text[:24]), "its middle": []byte(text[len(text)/2 : len(text)/2+16])}
	require.Contains(t, string(asked.all()), question, "the spy hears")
	conceals(t, "what the bus carries", bus.all(), content)
	for name, raw := range files(t, w.houses[0].party.Data) {
		conceals(t, name, raw, content)
	}
	counts := map[uint32]bool{}
	for _, f := range bus.frames {
		const out, tag = 2 + 16 + 1 + 4, 16 // docs/protocol/stream.md
		n := binary.BigEndian.Uint32(f[out:])
		counts[n] = true
		require.Zero(t, n%16, "live counts are rounded")
		require.Zero(t, (len(f)-stream.FrameHeaderSize-tag)%128, "frames are padded")
	}
	require.Greater(t, len(counts), 2)

	seeds := map[string][]byte{}
	for i, pr := range append(w.processes(), a.process) {
		for name, seed := range map[string][]byte{"wallet": pr.party.Wallet, "ledger": pr.party.Ledger, "worker": pr.party.Worker, "operator": pr.party.Operator} {
			if len(seed) > 0 {
				seeds[fmt.Sprintf("the %s key of process %d", name, i)] = seed
			}
		}
	}
	seeds["the channel's key"], seeds["the API key"] = keys, []byte(strings.TrimPrefix(a.secret, "sk-cocoon-"))
	for _, pr := range append(w.processes(), a.process) {
		log, err := os.ReadFile(filepath.Join(pr.party.Data, "log"))
		require.NoError(t, err)
		require.True(t, len(log) > 0 || pr.party.Role == aDispatcher) // which has nothing to say while all is well
		conceals(t, "the log of "+string(pr.party.Role), log, content)
		conceals(t, "the log of "+string(pr.party.Role), log, seeds)
	}
	conceals(t, "what the bus carries", bus.all(), seeds)

	require.NotEmpty(t, bus.vouchers)
	require.True(t, bytes.Contains(bus.all(), bus.vouchers[0].Signature[:]), "what is there is found")
	v := bus.vouchers[0]
	require.Equal(t, channel, v.Channel)
	wallet := a.wallet.Account()
	payer := map[string][]byte{"the channel": channel[:], "the wallet": wallet[:], "a voucher": v.Signature[:]}
	conceals(t, "what the engine hears", asked.all(), payer)
	conceals(t, "what workers hear", toWorkers.all(), payer)
	for _, m := range w.machines {
		for name, raw := range files(t, m.party.Data) {
			conceals(t, name, raw, payer)
		}
	}
}

// processes are dispatchers and workers.
func (w *world) processes() (all []*process) {
	for _, h := range w.houses {
		all = append(all, h.process)
	}
	for _, m := range w.machines {
		all = append(all, m.process)
	}
	return all
}

// channelKeys is the seed of a client's channel, which is on its disk.
func (w *world) channelKeys(a *app) []byte {
	w.Helper()
	raw, err := os.ReadFile(filepath.Join(a.party.Data, "channels", "channels.json"))
	require.NoError(w, err)
	var book struct{ Channels []struct{ Seed []byte } }
	require.NoError(w, json.Unmarshal(raw, &book))
	require.Len(w, book.Channels, 1)
	require.Len(w, book.Channels[0].Seed, 32)
	return book.Channels[0].Seed
}
