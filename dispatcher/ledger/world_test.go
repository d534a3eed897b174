package ledger

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

const network = -217

var ours = cocoon.Account{0xd1}

// price is nanoTON per 10^6 tokens: 20 a prompt token, 160 a completion token.
var price = cocoon.Price{Prompt: cocoon.NanoOf(20_000_000), Cached: cocoon.NanoOf(2_000_000), Completion: cocoon.NanoOf(160_000_000), Reasoning: cocoon.NanoOf(160_000_000)}

var size = bound.Size{Prompt: 1000, Overhead: 10, Choices: 1, MaxOut: 512}

// reserve is r of size: 1010 * 20 + 512 * 160.
var reserve = cocoon.NanoOf(102_120)

func keyOf(kind byte, n int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = kind
	binary.BigEndian.PutUint32(seed[28:], uint32(n))
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) Key { return Key(k.Public().(ed25519.PublicKey)) }

// ledgerKeys signs with one key for each number.
type ledgerKeys struct{}

func (ledgerKeys) Sign(number uint32, hash [32]byte) ([64]byte, error) {
	return [64]byte(ed25519.Sign(keyOf('l', int(number)), hash[:])), nil
}

// clock is told what time it is.
type clock struct {
	sync.Mutex // Run reads what the test writes
	now        time.Time
}

func (c *clock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) { c.set(c.now.Add(d)) }

func (c *clock) set(now time.Time) {
	c.Lock()
	defer c.Unlock()
	c.now = now
}

func begun() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func ton(s string) cocoon.Nano {
	n, err := cocoon.ParseTON(s)
	if err != nil {
		panic(err)
	}
	return n
}

func testConfig(dir string, c *clock) Config {
	cfg := DefaultConfig()
	cfg.Fee, cfg.Burst = ton("0.02"), cocoon.Nano{} // strangers have their allowance, unless a test says more
	cfg.Dir, cfg.GlobalID, cfg.Rewards, cfg.Signer, cfg.Now, cfg.Flush = dir, network, ours, ledgerKeys{}, c.Now, 20*time.Millisecond
	return cfg
}

// world is a ledger with a channel of 1 TON and a bond of 500.
type world struct {
	*Ledger
	*testing.T
	clock *clock
	stop  func()
	next  int
}

func newWorld(t *testing.T, changes ...func(*Config)) *world {
	t.Helper()
	return openWorld(t, t.TempDir(), begun(), changes...)
}

func openWorld(t *testing.T, dir string, c *clock, changes ...func(*Config)) *world {
	t.Helper()
	cfg := testConfig(dir, c)
	for _, change := range changes {
		change(&cfg)
	}
	l, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	w := &world{Ledger: l, T: t, clock: c}
	w.stop = func() {
		w.stop = func() {}
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, l.Close())
	}
	t.Cleanup(func() { w.stop() })
	w.SetIndex(c.now)
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.TON(500), Pot: cocoon.TON(100), Fees: 100}))
	return w
}

// reopened is w after an orderly end.
func (w *world) reopened() *world {
	w.Helper()
	w.stop()
	again := openWorld(w.T, w.cfg.Dir, w.clock)
	again.next = w.next
	return again
}

func account(n int) cocoon.Account { return cocoon.Account{0xc0, 31: byte(n)} }

func facts(n int, deposited cocoon.Nano) Channel {
	return Channel{Account: account(n), Key: public(keyOf('c', n)), Deposited: deposited, CloseDelay: 86_400}
}

// opens makes channel n and says hello to it with session 1.
func (w *world) opens(n int, deposited cocoon.Nano) {
	w.Helper()
	require.NoError(w, w.SetChannel(facts(n, deposited)))
	_, err := w.Hello(account(n), 1, nil, 0)
	require.NoError(w, err)
}

// withPay has a channel pay what it just agreed to.
func withPay(l interface {
	Pay(uint64, voucher.Signed) error
}, session uint64, agreed error, v *voucher.Signed) error {
	if agreed != nil {
		return agreed
	}
	return l.Pay(session, *v)
}

func promises(n int, amount cocoon.Nano) *voucher.Signed {
	return promisesBy(n, keyOf('c', n), amount)
}

func promisesBy(n int, key ed25519.PrivateKey, amount cocoon.Nano) *voucher.Signed {
	s, err := voucher.Voucher{GlobalID: network, Channel: account(n), Cumulative: amount}.Sign(key)
	if err != nil {
		panic(err)
	}
	return &s
}

// asks is a new request under channel n.
func (w *world) asks(n int) Request {
	w.next++
	return Request{ID: ID{byte(w.next), byte(w.next >> 8), byte(w.next >> 16)}, Channel: account(n), Route: Key{7}, Size: size, Price: price}
}

// used is what a request of size costs in the tests: 100 * 20 + 100 * 160.
var used, cost = cocoon.Usage{Prompt: 100, Completion: 100}, cocoon.NanoOf(18_000)

// commits commits a receipt and waits for it.
func (w *world) commits(m *machine, u receipt.SignedUsage) Outcome {
	w.Helper()
	ticket, err := w.Commit(w.Context(), u, m.certificate(), 4096)
	require.NoError(w, err)
	o, err := ticket.Wait(w.Context())
	require.NoError(w, err)
	return o
}

// serves admits a request of channel 1, lets m serve it and commits the receipt.
func (w *world) serves(m *machine) ID {
	w.Helper()
	r := w.asks(1)
	require.NoError(w, w.Admit(1, r, nil))
	require.NoError(w, w.Assign(r.ID, m.attempt()))
	require.Empty(w, w.commits(m, m.states(r.ID, used)).Void)
	return r.ID
}

func (w *world) state(n int) State {
	w.Helper()
	s, err := w.Hello(account(n), 1, nil, 0)
	require.NoError(w, err)
	return s
}
