package e2e_test

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/internal/freeport"
)

// share is a dispatcher's, in basis points.
const share = 200

// house is a dispatcher, whose contract says where it is.
type house struct {
	w       *world
	dir     string // its home, with all it has on disk
	pays    *chain.Wallet
	ledger  ed25519.PrivateKey
	rewards cocoon.Account
	address string // for workers and daemons
}

// house bonds a dispatcher that does not serve yet.
func (w *world) house() *house {
	w.t.Helper()
	key := w.key()
	h := &house{w: w, dir: w.t.TempDir(), pays: w.walletOf(key), ledger: w.key()}
	w.keep(filepath.Join(h.dir, "keys"), "wallet", key)
	w.keep(filepath.Join(h.dir, "keys"), "ledger", h.ledger)
	var err error
	h.address, err = freeport.Loopback()
	require.NoError(w.t, err)
	birth, msg := w.desk.Rewards(h.pays.Account(), 0), must[chain.Message](w.t)
	h.rewards = must[cocoon.Account](w.t)(birth.Account())
	w.send(h.pays, msg(w.desk.RewardsTerms(w.ctx, birth)), msg(w.desk.Bond(w.ctx, birth, action.QuickRules().MinBond, h.pays.Account())),
		msg(w.desk.RotateKey(w.ctx, birth, h.ledger)), msg(w.desk.SetEndpoint(w.ctx, birth, h.url(), [32]byte{})))
	w.await(h.rewards, func(a chain.Account) bool { return a.State == chain.Active })
	w.houses = append(w.houses, h)
	return h
}

// dispatchers are the contracts of all.
func (w *world) dispatchers() (all []cocoon.Account) {
	for _, h := range w.houses {
		all = append(all, h.rewards)
	}
	return all
}

func (h *house) url() string { return "nats://" + h.address }

func (h *house) data() string { return filepath.Join(h.dir, "data") }

// start runs it as the command does, in a process that can be killed and started again.
func (h *house) start() *exec.Cmd {
	h.w.t.Helper()
	return h.w.command(h.dir, "serve", "--listen", h.address, "--api", "127.0.0.1:0", "--data", h.data(), "--share", strconv.Itoa(share), "--period", "1h", "--audit", "0")
}

// up waits until it lets others in.
func (h *house) up() {
	h.w.t.Helper()
	require.Eventually(h.w.t, func() bool {
		conn, err := net.Dial("tcp", h.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, wait, tick)
}

// serve runs it in this process, until the test ends or stop.
func (h *house) serve() (d *dispatcher.Dispatcher, stop func()) {
	w, dir := h.w, h.data()
	w.t.Helper()
	w.indexed()
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.Listen, cfg.GlobalID, cfg.Registry = filepath.Join(dir, "dispatcher.db"), filepath.Join(dir, "blobs"), h.address, w.net.GlobalID, w.desk.Registry
	cfg.Payee, cfg.Bps, cfg.Keeper.Rewards, cfg.Keeper.Period = h.pays.Account(), share, h.rewards, 3600
	cfg.Ledger.Dir, cfg.Ledger.Keys, cfg.Ledger.CloseDelay = filepath.Join(dir, "ledger"), []crypto.Signer{h.ledger}, action.QuickRules().CloseDelay
	d, err := dispatcher.New(w.ctx, cfg, dispatcher.Deps{Feed: w.index, Index: w.index, Chain: w.dial(), Sender: h.pays, Logger: w.slog})
	require.NoError(w.t, err)
	return d, w.service(d.Run)
}

// books are those on disk, of one that has stopped.
func (h *house) books() ledger.Figures {
	t := h.w.t
	t.Helper()
	cfg := ledger.DefaultConfig()
	cfg.Dir, cfg.GlobalID, cfg.Rewards, cfg.Signer, cfg.Fee = filepath.Join(h.data(), "ledger"), h.w.net.GlobalID, h.rewards, reader{}, cocoon.NanoOf(1)
	l, err := ledger.Open(h.w.ctx, cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Figures()
}

// reader signs nothing.
type reader struct{}

func (reader) Sign(uint32, [32]byte) (sig [64]byte, err error) {
	return sig, errors.New("the books are read, nothing is promised")
}
