package market

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/wrappers"
)

// journal is a log that several write.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// standing is a market whose workers serve, as long as a test needs it.
type standing struct {
	*Market
	t   *testing.T
	log *journal
}

func newStanding(t *testing.T) *standing {
	t.Helper()
	s := &standing{t: t, log: &journal{}}
	s.Market = &Market{rules: rules(), contracts: map[string]cocoon.Account{}, cfg: Config{Data: filepath.Join(t.TempDir(), "market"), API: "127.0.0.1:0", Tell: &record{},
		Logger: slog.New(slog.NewTextHandler(s.log, nil))}}
	s.rules.Delay = 7200 // of a suspension, longer than anything is believed
	require.NoError(t, prepareFolder(s.cfg.Data))
	ctx, stop := context.WithCancel(t.Context())
	s.services, s.life = errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		require.NoError(t, s.close())
	})
	for _, act := range []func(context.Context) error{s.open, s.deploy, s.bond, s.enrolAll, s.start} {
		require.NoError(t, act(s.life))
	}
	return s
}

// app is an application with a daemon of its own.
type app struct {
	*standing
	url, key string
	stop     func()
}

// daemon starts one that asks for a tier, over a connection to the given network.
func (s *standing) daemon(n chain.Network, registry cocoon.Account, tiers ...attest.Tier) *app {
	s.t.Helper()
	client, err := chain.Dial(s.life, n, chain.Options{Logger: s.cfg.Logger})
	require.NoError(s.t, err)
	s.t.Cleanup(client.Close)
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(s.t, err)
	wallet, err := chain.NewWallet(client, key)
	require.NoError(s.t, err)
	require.NoError(s.t, s.chain.Faucet(s.life, chain.Address(wallet.Account()), cocoon.TON(20).Big()))
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.API.Listen = s.t.TempDir(), tiers, "127.0.0.1:0"
	cfg.Channel.Dispatchers, cfg.Channel.CloseDelay = []cocoon.Account{s.contracts["rewards/0"]}, time.Duration(s.rules.CloseDelay)*time.Second
	cfg.Channel.Interval, cfg.Session.Caps = 200*time.Millisecond, deepseekPrice
	_, secret, err := api.NewKey(daemon.KeysFolder(cfg.Data), "test", api.Limits{}, rand.Reader, time.Now())
	require.NoError(s.t, err)
	d, err := daemon.Open(s.life, cfg, daemon.Deps{Client: client, Registry: registry, Sender: wallet, Logger: s.cfg.Logger})
	require.NoError(s.t, err)
	url, err := d.Listen()
	require.NoError(s.t, err)
	ctx, stop := context.WithCancel(s.life)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	var once sync.Once
	a := &app{s, url, secret, func() {
		once.Do(func() {
			stop()
			require.NoError(s.t, <-ended)
		})
	}}
	s.t.Cleanup(a.stop)
	return a
}

// asking is a daemon that asks for a tier, over the market's network.
func (s *standing) asking(tier attest.Tier) *app {
	s.t.Helper()
	return s.daemon(s.net, s.net.Registry, tier)
}

// ask is what an application reads for a question, and the status of it.
func (a *app) ask() (int, string, error) {
	body := fmt.Sprintf(`{"model":%q,"max_tokens":8,"messages":[{"role":"user","content":"What becomes of a caterpillar?"}]}`, qwen)
	r, err := http.NewRequestWithContext(a.life, http.MethodPost, a.url+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+a.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// becomes asks until the answer has that status and says so: what the chain says
// and who is up takes a moment to be known.
func (a *app) becomes(status int, says string) {
	a.t.Helper()
	var got int
	var text string
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var err error
		got, text, err = a.ask()
		require.NoError(a.t, err)
		if got == status && strings.Contains(text, says) {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	require.Fail(a.t, "another answer", "%d %s\n%.20000s", got, text, a.log)
}

func (a *app) answered() { a.t.Helper(); a.becomes(http.StatusOK, "chat.completion") }

// pass lets time pass on the chain, and its readers see it.
func (s *standing) pass(d time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.chain.Advance(d))
	require.NoError(s.t, s.caughtUp(s.life))
}

// restart ends all workers, and starts them stating what quoter does.
func (s *standing) restart(quoter attest.Quoter) {
	s.t.Helper()
	s.quoter = quoter
	for i, p := range s.providers {
		for j, w := range p.machines {
			require.NoError(s.t, w.close())
			require.NoError(s.t, s.work(p, w, s.healthy, fmt.Sprintf("worker-%d-%d", i, j)))
		}
	}
}

// moody is a quoter that may fail.
type moody struct {
	attest.Quoter
	fails atomic.Bool
}

func (m *moody) Quote(ctx context.Context, c attest.Claims) (attest.Statement, error) {
	if m.fails.Load() {
		return attest.Statement{}, errors.New("the TEE does not answer")
	}
	return m.Quoter.Quote(ctx, c)
}

func TestAttested_PromptsGoWhereTheTierAskedForIsShown(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	a := s.asking(attest.TierSimulated)
	a.answered()
	s.asking(attest.TierTDX).becomes(http.StatusServiceUnavailable, "the tier was not asked for")
	s.asking(attest.TierOpen).becomes(http.StatusServiceUnavailable, "the tier was not asked for")
	s.restart(attest.NoTEE{}) // an operator with the worker's key and no TEE
	a.becomes(http.StatusServiceUnavailable, "the tier was not asked for")
	_, foreign, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s.restart(attest.NewSimulator(foreign, attest.DevelopmentImage()))
	a.becomes(http.StatusServiceUnavailable, "the statement does not bind the claims")
	s.restart(attest.Development())
	a.answered() // by other runs, with other keys
}

func TestAttested_KeysRotateAndNothingThatEndedIsBelieved(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	tee := &moody{Quoter: attest.Development()}
	s.restart(tee)
	a := s.asking(attest.TierSimulated)
	a.answered()
	for range 3 { // each key is valid for two hours, and replaced after one
		s.pass(61 * time.Minute)
		a.answered()
	}
	require.NotContains(t, s.log.String(), "worker has no such key")
	s.pass(25 * time.Hour) // all evidence and all certificates shown so far have ended
	a.answered()
	tee.fails.Store(true)
	s.pass(3 * time.Hour) // and now nothing new comes
	a.becomes(http.StatusServiceUnavailable, "worker has no evidence yet")
	tee.fails.Store(false)
	a.answered()
}

func TestAttested_ASuspendedImageIsLeftWithinMinutesAndComesBack(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	a := s.asking(attest.TierSimulated)
	a.answered()
	m, err := s.network.Suspend(s.life, wrappers.ChangeImage, attest.DevelopmentImage())
	require.NoError(t, err)
	_, err = s.network.wallet.Send(s.life, m)
	require.NoError(t, err)
	s.pass(11 * time.Minute)
	a.becomes(http.StatusServiceUnavailable, "the image is suspended")
	s.pass(2 * time.Hour) // it has lapsed
	a.answered()
}

func TestAttested_OnStaleProofsNothingIsEncrypted(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	server, err := s.chain.Serve(localnet.Faults{})
	require.NoError(t, err)
	n, err := chain.ParseNetwork(server.Config())
	require.NoError(t, err)
	n.GlobalID, n.Registry = s.net.GlobalID, s.net.Registry
	a := s.daemon(n, s.net.Registry, attest.TierSimulated)
	a.answered()
	require.NoError(t, server.SetFaults(localnet.Faults{Only: []string{"getAccountState", "getAccountStatePrunned", "runSmcMethod"}, ErrorRate: 1}))
	s.pass(50 * time.Minute)
	a.answered() // what was proven still counts
	s.pass(11 * time.Minute)
	a.becomes(http.StatusServiceUnavailable, "the chain has not been read for an hour")
	require.NoError(t, server.SetFaults(localnet.Faults{}))
	a.answered()
}

func TestAttested_AForeignRegistryIsNobodys(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	birth := wrappers.RegistryBirth{Owner: s.network.wallet.Account(), Delay: s.rules.Delay + 1}
	registry, messages, err := s.network.Deploy(s.life, birth, s.rules, birth.Owner, qwen)
	require.NoError(t, err)
	_, err = s.network.wallet.Send(s.life, messages...)
	require.NoError(t, err)
	a := s.daemon(s.net, registry, attest.TierSimulated)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "is not a rewards contract under registry") }, 30*time.Second, 10*time.Millisecond)
	a.becomes(http.StatusServiceUnavailable, "no dispatcher is reached over a channel that is open")
}
