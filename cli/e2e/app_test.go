package e2e_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// app is an application with a daemon of its own.
type app struct {
	w      *world
	daemon *daemon.Daemon
	data   string
	wallet *chain.Wallet
	url    string
	secret string
	stop   func()
}

// daemon runs one whose channels hold deposit each, and no more; edit changes what it is.
func (w *world) daemon(t *testing.T, deposit cocoon.Nano, edit ...func(*daemon.Config)) *app {
	t.Helper()
	a := &app{w: w, data: t.TempDir(), wallet: w.wallet()}
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.API.Listen = a.data, []attest.Tier{attest.TierOpen}, "127.0.0.1:0"
	cfg.API.Aliases = map[string]string{"gpt-4o": chat}
	cfg.Channel.Dispatchers, cfg.Channel.CloseDelay = w.dispatchers(), time.Duration(action.QuickRules().CloseDelay)*time.Second
	cfg.Channel.Deposit, cfg.Channel.Standby, cfg.Channel.MaxDeposit, cfg.Channel.Interval = deposit, deposit, deposit, 200*time.Millisecond
	cfg.Session.Caps = price
	for _, change := range edit {
		change(&cfg)
	}
	a.secret, _ = a.key(t, api.Limits{})
	var err error
	a.daemon, err = daemon.Open(w.ctx, cfg, daemon.Deps{Client: w.dial(), Registry: w.desk.Registry, Sender: a.wallet, Logger: w.slog})
	require.NoError(t, err)
	a.url, err = a.daemon.Listen()
	require.NoError(t, err)
	a.stop = w.service(a.daemon.Run)
	ctx, stop := context.WithTimeout(w.ctx, wait)
	defer stop()
	require.NoError(t, a.daemon.Ready(ctx))
	return a
}

// key makes an API key.
func (a *app) key(t *testing.T, limits api.Limits) (secret, id string) {
	t.Helper()
	k, secret, err := api.NewKey(daemon.KeysFolder(a.data), "test", limits, rand.Reader, time.Now())
	require.NoError(t, err)
	return secret, k.ID
}

// sdk is OpenAI's own client, with nothing changed but base URL and key.
func (a *app) sdk(opts ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(a.url), option.WithAPIKey(a.secret)}, opts...)...)
	return &c
}

// usage are the closed requests of the usage ledger, of one API key where an id is given.
func (a *app) usage(t *testing.T, key string) (closed []api.Entry) {
	t.Helper()
	for e, err := range api.Usage(filepath.Join(a.data, "usage")) {
		require.NoError(t, err)
		if key == "" || e.Key == key {
			closed = append(closed, e)
		}
	}
	return closed
}

// bought is usage without what was refused for nothing: on a machine that is too busy
// workers may be late, and SDKs ask again.
func (a *app) bought(t *testing.T, key string) []api.Entry {
	t.Helper()
	return slices.DeleteFunc(a.usage(t, key), func(e api.Entry) bool { return e.Outcome == string(api.CodeNoCapacity) && e.Cost.IsZero() })
}

// cost sums up what requests came to.
func cost(t *testing.T, entries []api.Entry) (sum cocoon.Nano) {
	t.Helper()
	for _, e := range entries {
		sum = must[cocoon.Nano](t)(sum.Add(e.Cost))
	}
	return sum
}

// settles ends the daemon, leaves all dispatchers, and wants the chain to hold what
// the usage ledger says, to the nanoTON.
func (a *app) settles(t *testing.T) {
	t.Helper()
	w, used := a.w, a.daemon.Channels()
	a.stop()
	var books cocoon.Nano
	for _, c := range used {
		books = books.Plus(c.Ledger.Figures().Used)
	}
	require.Equal(t, cost(t, a.usage(t, "")), books, "books and usage ledger")
	deps := daemon.Deps{Client: w.conn, Registry: w.desk.Registry, Sender: a.wallet, Logger: w.slog}
	for _, c := range used {
		left, err := daemon.Leave(w.ctx, a.data, c.Rewards, false, deps)
		require.NoError(t, err)
		require.True(t, left, "its dispatcher agrees")
		w.indexed()
		settled, err := w.index.Channel(w.ctx, c.Account)
		require.NoError(t, err)
		require.True(t, settled.Closed)
		require.Equal(t, c.Ledger.Figures().Used, settled.Settled, "settled on chain")
		acc, err := w.conn.Account(w.ctx, c.Account)
		require.NoError(t, err)
		require.Equal(t, chain.Active, acc.State)
	}
}
