package channel_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/channel"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

const model = "Qwen/Qwen3-32B"

// town is a local chain with a registry and two dispatchers; the client's wallet
// does what a test says.
type town struct {
	action.Desk
	t      *testing.T
	local  *localnet.Chain
	client *chain.Client
	wallet *chain.Wallet // of everybody else
	payer  *chain.Wallet
	homes  []cocoon.Account
	ledger ed25519.PrivateKey // the dispatchers'
	cfg    channel.Config

	mu    sync.Mutex
	later time.Duration // of the wall clock
	fault func(context.Context, ...chain.Message) (bool, error)
	sent  int
}

func testKey(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, local: localnet.New(t), ledger: testKey(3)}
	n, err := chain.ParseNetwork(w.local.GlobalConfig())
	require.NoError(t, err)
	w.client, err = chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.wallet, w.payer = w.newWallet(9), w.newWallet(8)
	w.Desk = action.Desk{Chain: w.client, GlobalID: w.client.Network().GlobalID}
	registry, deploy, err := w.Deploy(t.Context(), wrappers.RegistryBirth{Owner: w.wallet.Account(), Delay: 30}, action.QuickRules(), cocoon.Account{}, model)
	require.NoError(t, err)
	w.send(deploy...)
	w.Registry = registry
	for i := range uint32(2) {
		w.homes = append(w.homes, w.dispatcher(i))
	}
	w.cfg = channel.DefaultConfig()
	w.cfg.Dir, w.cfg.GlobalID, w.cfg.Registry, w.cfg.Dispatchers = t.TempDir(), w.GlobalID, registry, w.homes
	w.cfg.CloseDelay, w.cfg.Model, w.cfg.Tokens = 20*time.Second, cocoon.NewModelID(model), 1000
	return w
}

func (w *town) newWallet(n byte) *chain.Wallet {
	w.t.Helper()
	wallet, err := chain.NewWallet(w.client, testKey(n))
	require.NoError(w.t, err)
	require.NoError(w.t, w.local.Faucet(w.t.Context(), chain.Address(wallet.Account()), cocoon.TON(1000).Big()))
	return wallet
}

func (w *town) send(messages ...chain.Message) {
	w.t.Helper()
	_, err := w.wallet.Send(w.t.Context(), messages...)
	require.NoError(w.t, err)
	w.mine()
}

func (w *town) mine() {
	w.t.Helper()
	for range 4 {
		require.NoError(w.t, w.local.Mine())
	}
}

// dispatcher has terms, a receipt key and an endpoint.
func (w *town) dispatcher(i uint32) cocoon.Account {
	w.t.Helper()
	birth := w.Rewards(w.wallet.Account(), i)
	terms, err := w.RewardsTerms(w.t.Context(), birth)
	require.NoError(w.t, err)
	w.send(terms)
	at, err := wrappers.Find(w.t.Context(), w.client, birth)
	require.NoError(w.t, err)
	fees, err := wrappers.GetRewardsFees(w.t.Context(), at.Fees, at.Account, 1)
	require.NoError(w.t, err)
	possession, err := wrappers.ProvePossession(w.ledger, w.GlobalID, at.Account)
	require.NoError(w.t, err)
	key, err := wrappers.NewMessage(at, wrappers.RotateKey{Key: wrappers.PublicKey(w.ledger), Possession: &possession}, fees.RotateKey)
	require.NoError(w.t, err)
	endpoint, err := wrappers.NewMessage(at, wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{TLSKeyHash: [32]byte{7}, URL: "tls://example.org:4222"}}, fees.SetEndpoint)
	require.NoError(w.t, err)
	w.send(key, endpoint)
	return at.Account
}

// Account and Send are the client's wallet.
func (w *town) Account() cocoon.Account { return w.payer.Account() }

func (w *town) Send(ctx context.Context, m ...chain.Message) (chain.Sent, error) {
	w.sent++
	if w.fault != nil {
		if leaves, err := w.fault(ctx, m...); err != nil {
			if leaves {
				if _, serr := w.payer.Send(ctx, m...); serr != nil {
					return chain.Sent{}, serr
				}
				w.mine()
			}
			return chain.Sent{}, err
		}
	}
	s, err := w.payer.Send(ctx, m...)
	if err == nil {
		w.mine()
	}
	return s, err
}

// now is the chain's time, and what a test let pass beside it.
func (w *town) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	head, err := w.client.Head(context.Background())
	if err != nil {
		panic(err)
	}
	at, err := w.client.Time(context.Background(), head)
	if err != nil {
		panic(err)
	}
	return at.Add(w.later)
}

func (w *town) manager() *channel.Manager {
	w.t.Helper()
	m, err := channel.Open(w.cfg, channel.Deps{Chain: w.client, Sender: w, Now: w.now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = m.Close() })
	return m
}

func (w *town) state(a cocoon.Account) wrappers.Channel {
	w.t.Helper()
	acc, err := w.client.Account(w.t.Context(), a)
	require.NoError(w.t, err)
	s, err := wrappers.DecodeChannel(acc.Data)
	require.NoError(w.t, err)
	return s
}

func (w *town) free(a cocoon.Account) cocoon.Nano {
	w.t.Helper()
	n, err := wrappers.GetChannelFree(w.t.Context(), w.client, a)
	require.NoError(w.t, err)
	return n
}

func TestManager_OpensAChannelAtHomeAndAStandby(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	m := w.manager()
	require.NoError(t, m.Tend(t.Context()))
	require.Empty(t, m.Usable(), "both are under way")
	require.NoError(t, m.Tend(t.Context()))
	usable := m.Usable()
	require.Len(t, usable, 2)
	for i, c := range usable {
		require.Equal(t, w.homes[i], c.Rewards)
		require.Equal(t, "tls://example.org:4222", c.URL)
		require.Equal(t, [32]byte{7}, c.TLSKeyHash)
		s := w.state(c.Account)
		require.Equal(t, wrappers.PublicKey(c.Key), s.Key)
		require.Equal(t, wrappers.PublicKey(w.ledger), s.Birth.DispatcherKey)
		require.Equal(t, w.free(c.Account), c.Ledger.Figures().Deposit, "as proven")
	}
	require.GreaterOrEqual(t, w.free(usable[0].Account).Cmp(cocoon.TON(2)), 0)
	require.NoError(t, m.Tend(t.Context()))
	require.Equal(t, 2, w.sent, "nothing more to do")
	info, err := os.Stat(filepath.Join(w.cfg.Dir, "channels.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A dispatcher that moves, or whose TLS key changes, is found by daemons that run.
func TestManager_FollowsADispatcherThatMoves(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.cfg.Dispatchers = w.homes[:1]
	m := w.manager()
	for range 2 {
		require.NoError(t, m.Tend(t.Context()))
	}
	before := m.Usable()[0]
	msg, err := w.SetEndpoint(t.Context(), w.Rewards(w.wallet.Account(), 0), "tls://example.net:4222", [32]byte{8})
	require.NoError(t, err)
	w.send(msg)
	require.NoError(t, m.Tend(t.Context()))
	require.Equal(t, before, m.Usable()[0], "what was proven a moment ago counts")
	w.mu.Lock()
	w.later = 11 * time.Minute
	w.mu.Unlock()
	require.NoError(t, m.Tend(t.Context()))
	after := m.Usable()[0]
	require.Equal(t, "tls://example.net:4222", after.URL)
	require.Equal(t, [32]byte{8}, after.TLSKeyHash)
	require.Same(t, before.Ledger, after.Ledger)
	require.Equal(t, before.Account, after.Account)
	require.Equal(t, "tls://example.org:4222", before.URL, "others hold it")
}

// Whatever moment a crash comes at, there is one channel with one deposit.
func TestManager_ACrashOpensNoSecondChannelAndSpendsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leaves bool // before the crash
		late   bool // the next process begins long after
	}{"before it left": {false, false}, "after it left": {true, false}, "before, and long ago": {false, true}, "after, and long ago": {true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			w.cfg.Dispatchers = w.homes[:1]
			w.fault = func(context.Context, ...chain.Message) (bool, error) { return c.leaves, chain.ErrOutcomeUnknown }
			m := w.manager()
			require.ErrorIs(t, m.Tend(t.Context()), chain.ErrOutcomeUnknown)
			require.NoError(t, m.Close())
			w.fault = nil
			if c.late {
				w.later = 2 * time.Minute
			}
			m = w.manager()
			for range 3 {
				_ = m.Tend(t.Context())
			}
			if !c.leaves && !c.late {
				require.Equal(t, 1, w.sent, "what may still arrive is not sent again")
				w.later = 2 * time.Minute
				for range 2 {
					_ = m.Tend(t.Context())
				}
			}
			require.Len(t, m.Usable(), 1)
			require.Equal(t, -1, w.free(m.Usable()[0].Account).Cmp(cocoon.TON(3)), "one deposit")
			require.GreaterOrEqual(t, w.free(m.Usable()[0].Account).Cmp(cocoon.TON(2)), 0)
			want := 1
			if !c.leaves {
				want = 2
			}
			require.Equal(t, want, w.sent)
		})
	}
}

func TestManager_TopsUpWithinItsLimits(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.cfg.Dispatchers, w.cfg.Daily = w.homes[:1], cocoon.TON(4)
	m := w.manager()
	_ = m.Tend(t.Context())
	require.NoError(t, m.Tend(t.Context()))
	c := m.Usable()[0]
	for n := range byte(4) {
		id := stream.RequestID{n}
		_, err := c.Ledger.Reserve(t.Context(), id, [32]byte{}, cocoon.NanoOf(900_000_000))
		require.NoError(t, err)
		_, err = c.Ledger.Agree(id, cocoon.NanoOf(900_000_000))
		require.NoError(t, err)
		_ = m.Tend(t.Context()) // tops up
		_ = m.Tend(t.Context()) // sees it
	}
	require.Equal(t, 3, w.sent, "opened, topped up twice: four TON a day")
	err := m.Tend(t.Context())
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err), "%v", err)
	require.NotEmpty(t, cocoon.HintOf(err))
	require.Len(t, m.Usable(), 1, "it serves what it can")
	w.later = 25 * time.Hour // hours of the wall clock alone make proofs stale
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(m.Tend(t.Context())))
	require.Empty(t, m.Usable())
	require.Zero(t, c.Ledger.Figures().Deposit, "nothing is signed on what is not proven any more")
}

// cocoon client leave follows a daemon that has just sent something.
func TestManager_LeavesOnceItsTopUpHasArrived(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.cfg.Dispatchers, w.cfg.Low = w.homes[:1], cocoon.TON(3)
	m := w.manager()
	_ = m.Tend(t.Context())
	require.NoError(t, m.Tend(t.Context()))
	require.Equal(t, 2, w.sent, "opened, and topped up")
	c := m.Usable()[0]
	left, err := m.Leave(t.Context(), w.homes[0], nil)
	require.NoError(t, err)
	require.False(t, left)
	require.NotZero(t, w.state(c.Account).ClosesAt)
}

func TestManager_WhatWasRejectedIsNotSpent(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.cfg.Dispatchers, w.cfg.Daily = w.homes[:1], cocoon.TON(2)
	w.fault = func(context.Context, ...chain.Message) (bool, error) { return false, chain.ErrRejected }
	m := w.manager()
	for range 3 {
		require.ErrorIs(t, m.Tend(t.Context()), chain.ErrRejected)
	}
	w.fault = nil
	_ = m.Tend(t.Context())
	require.NoError(t, m.Tend(t.Context()))
	require.Len(t, m.Usable(), 1)
}

func TestManager_ADispatcherThatSettlesMoreThanWasAgreedIsLeft(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	m := w.manager()
	_ = m.Tend(t.Context())
	require.NoError(t, m.Tend(t.Context()))
	c := m.Usable()[0]
	cover, err := c.Ledger.Reserve(t.Context(), stream.RequestID{1}, [32]byte{}, cocoon.NanoOf(1000))
	require.NoError(t, err)
	settle, err := w.Settle(t.Context(), cover, w.wallet.Account())
	require.NoError(t, err)
	w.send(settle)
	err = m.Tend(t.Context())
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "%v", err)
	require.Len(t, m.Usable(), 1)
	require.Equal(t, w.homes[1], m.Usable()[0].Rewards, "the standby goes on")
	require.NotZero(t, w.state(c.Account).ClosesAt)
	err = m.Tend(t.Context())
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "no other channel is opened to it")
	require.NoError(t, w.local.Advance(21*time.Second))
	_ = m.Tend(t.Context())
	require.True(t, w.state(c.Account).Closed, "and what was not promised is back")
	require.Equal(t, cover.Cumulative, w.state(c.Account).Settled)
	require.Error(t, m.Forget(w.homes[0]), "it is not seen to be closed yet")
	_ = m.Tend(t.Context())
	require.NoError(t, m.Forget(w.homes[0]))
}

// used is a channel of which so much is agreed, at home.
func (w *town) used(m *channel.Manager, amount cocoon.Nano) *channel.Channel {
	w.t.Helper()
	_ = m.Tend(w.t.Context())
	require.NoError(w.t, m.Tend(w.t.Context()))
	c := m.Usable()[0]
	_, err := c.Ledger.Reserve(w.t.Context(), stream.RequestID{1}, [32]byte{}, amount)
	require.NoError(w.t, err)
	_, err = c.Ledger.Agree(stream.RequestID{1}, amount)
	require.NoError(w.t, err)
	return c
}

// promises is a dispatcher that signs a close over an amount.
func (w *town) promises(amount cocoon.Nano, key ed25519.PrivateKey) channel.Agree {
	return func(_ context.Context, c *channel.Channel) (wrappers.CloseNow, error) {
		return wrappers.ClosePromise{GlobalID: w.GlobalID, Contract: c.Account, Final: wrappers.Coins{Nano: amount}}.Sign(key, 0)
	}
}

func TestManager_LeavesAtOnceWhereItsDispatcherAgrees(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.cfg.Dispatchers = w.homes[:1]
	m := w.manager()
	c := w.used(m, cocoon.NanoOf(1000))
	left, err := m.Leave(t.Context(), w.homes[0], w.promises(cocoon.NanoOf(1000), w.ledger))
	require.NoError(t, err)
	require.True(t, left)
	require.True(t, w.state(c.Account).Closed)
	require.Equal(t, cocoon.NanoOf(1000), w.state(c.Account).Settled)
	require.Empty(t, m.Usable())
	require.NoError(t, m.Forget(w.homes[0]))
}

func TestManager_LeavesAloneWhereItsDispatcherDoesNotAgree(t *testing.T) {
	t.Parallel()
	for name, agree := range map[string]func(*town) channel.Agree{
		"it wants more than was agreed": func(w *town) channel.Agree { return w.promises(cocoon.NanoOf(1001), w.ledger) },
		"another signs":                 func(w *town) channel.Agree { return w.promises(cocoon.NanoOf(1000), testKey(77)) },
		"it does not answer": func(*town) channel.Agree {
			return func(context.Context, *channel.Channel) (wrappers.CloseNow, error) {
				return wrappers.CloseNow{}, cocoon.Unreachable.Errorf("nobody is there")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			w.cfg.Dispatchers = w.homes[:1]
			m := w.manager()
			c := w.used(m, cocoon.NanoOf(1000))
			left, err := m.Leave(t.Context(), w.homes[0], agree(w))
			require.NoError(t, err)
			require.False(t, left)
			require.NotZero(t, w.state(c.Account).ClosesAt)
			require.False(t, w.state(c.Account).Closed)
			left, err = m.Leave(t.Context(), w.homes[0], w.promises(cocoon.NanoOf(1000), w.ledger))
			require.NoError(t, err)
			require.True(t, left, "it agrees within the close delay")
			require.Equal(t, cocoon.NanoOf(1000), w.state(c.Account).Settled)
		})
	}
}

func TestManager_OneProcessHasTheFolder(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.manager()
	_, err := channel.Open(w.cfg, channel.Deps{Chain: w.client, Sender: w, Now: w.now, Logger: slog.New(slog.DiscardHandler)})
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
}

func TestConfig_RefusesWhatWouldLoseMoney(t *testing.T) {
	t.Parallel()
	good := channel.DefaultConfig()
	good.Dir, good.GlobalID, good.Registry, good.Dispatchers = "x", -239, cocoon.Account{1}, []cocoon.Account{{2}}
	require.NoError(t, good.Validate())
	local := good
	local.GlobalID, local.CloseDelay = -217, 20*time.Second
	require.NoError(t, local.Validate())
	for name, change := range map[string]func(*channel.Config){
		"a short delay":                func(c *channel.Config) { c.CloseDelay = channel.MinCloseDelay - time.Second },
		"a short one on testnet":       func(c *channel.Config) { c.GlobalID, c.CloseDelay = -3, time.Hour },
		"more than the contract takes": func(c *channel.Config) { c.CloseDelay = 31 * 24 * time.Hour },
		"no deposit":                   func(c *channel.Config) { c.Deposit = cocoon.Nano{} },
		"more than a channel may hold": func(c *channel.Config) { c.MaxDeposit = cocoon.TON(1) },
		"no dispatcher":                func(c *channel.Config) { c.Dispatchers = nil },
	} {
		c := good
		change(&c)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(c.Validate()), name)
	}
}
