package dispatcher_test

import (
	"bufio"
	"context"
	"crypto"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// victimEnv names the file that says what a process to be killed has to do.
const victimEnv = "COCOON_TEST_DISPATCHER_VICTIM"

// victimOrders are what TestKill gives its processes.
type victimOrders struct {
	Network                                  []byte
	Path, Blobs, Ledger, Index               string
	Registry, Rewards, Payee, Channel, Vault cocoon.Account
	Session                                  uint64
	CloseDelay                               uint32
}

// TestMain is the process to be killed where it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) == "" {
		os.Exit(m.Run())
	}
	if err := victim(context.Background(), os.Getenv(victimEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// victim runs an indexer and a dispatcher, serves one channel as a gateway would
// and says what it signed, until it is killed.
func victim(ctx context.Context, file string) error {
	var o victimOrders
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	if err != nil {
		return err
	}
	net, err := chain.ParseNetwork(o.Network)
	if err != nil {
		return err
	}
	client, err := chain.Dial(ctx, net, chain.Options{Policy: chain.Fast})
	if err != nil {
		return err
	}
	wallet, err := chain.NewWallet(client, testKey(2))
	if err != nil {
		return err
	}
	id := client.Network().GlobalID
	index, err := indexer.Open(ctx, indexer.Config{Path: o.Index, GlobalID: id, Registry: o.Registry, Chain: client})
	if err != nil {
		return err
	}
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.GlobalID, cfg.Registry, cfg.Payee, cfg.Bps = o.Path, o.Blobs, id, o.Registry, o.Payee, 200
	cfg.Keeper = dispatcher.KeeperConfig{Rewards: o.Rewards, Period: 60, MinUptime: 5000}
	cfg.Ledger.Dir, cfg.Ledger.Keys, cfg.Ledger.CloseDelay = o.Ledger, []crypto.Signer{ledgerKey}, o.CloseDelay
	d, err := dispatcher.New(ctx, cfg, dispatcher.Deps{Feed: index, Index: index, Chain: client, Sender: wallet})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return index.Run(ctx) })
	g.Go(func() error { return d.Run(ctx) })
	g.Go(func() error { return o.serve(ctx, d.Ledger(), id) })
	return g.Wait()
}

// serve lets a worker answer one request after another.
func (o *victimOrders) serve(ctx context.Context, l *ledger.Ledger, id int32) error {
	boot := ledger.ID{15: byte(o.Session)}
	cert, err := receipt.Certificate{GlobalID: id, Provider: o.Vault, SessionKey: wrappers.PublicKey(testKey(200)), Boot: boot, NotAfter: 1 << 31}.Sign(testKey(12))
	if err != nil {
		return err
	}
	for n := uint32(1); ctx.Err() == nil; {
		agreed, err := o.answer(ctx, l, id)
		if err == nil {
			err = o.request(ctx, l, id, cert, n, agreed)
		}
		if kind := cocoon.KindOf(err); err != nil && kind != cocoon.NotFound && kind != cocoon.Unreachable {
			return err // else the chain, or the epoch, is not that far
		}
		if err == nil {
			n++
		}
		if err = o.say(ctx, l); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// answer agrees to every receipt there is, and pays.
func (o *victimOrders) answer(ctx context.Context, l *ledger.Ledger, id int32) (agreed cocoon.Nano, err error) {
	s, err := l.Hello(o.Channel, o.Session, nil, 0)
	for _, r := range s.Receipts {
		if err == nil {
			s.Agreed, err = s.Agreed.Add(r.Cost)
		}
		var paid voucher.Signed
		if err == nil {
			paid, err = voucher.Voucher{GlobalID: id, Channel: o.Channel, Cumulative: s.Agreed}.Sign(testKey(101))
		}
		if err == nil {
			err = l.OK(ctx, o.Session, r.ID, r.Cost)
		}
		if err == nil {
			err = l.Pay(o.Session, paid)
		}
	}
	return s.Agreed, err
}

// request has a request of 2 tokens served with receipt n.
func (o *victimOrders) request(ctx context.Context, l *ledger.Ledger, id int32, cert receipt.SignedCertificate, n uint32, agreed cocoon.Nano) error {
	limit, err := agreed.Add(cocoon.NanoOf(50_000_000))
	if err != nil {
		return err
	}
	cover, err := voucher.Voucher{GlobalID: id, Channel: o.Channel, Cumulative: limit}.Sign(testKey(101))
	if err != nil {
		return err
	}
	r := ledger.Request{ID: ledger.ID(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(make([]byte, 4), o.Session), n)), Channel: o.Channel, Route: ledger.Key{7},
		Size: bound.Size{Prompt: 2, Choices: 1, MaxOut: 1}, Price: streamPrice}
	if err = l.Admit(o.Session, r, &cover); err != nil {
		return err
	}
	if err = l.Assign(r.ID, ledger.Attempt{Number: 1, Provider: o.Vault, Worker: wrappers.PublicKey(testKey(12)), Boot: cert.Boot, Price: streamPrice}); err != nil {
		return err
	}
	u, err := receipt.Usage{Scope: receipt.Scope{GlobalID: id, Provider: o.Vault, Rewards: o.Rewards, Worker: wrappers.PublicKey(testKey(12)), Boot: cert.Boot, Number: n},
		Content: receipt.Content{Request: r.ID, Attempt: 1, Route: r.Route, Usage: cocoon.Usage{Prompt: 2}, Price: streamPrice, Cost: cocoon.NanoOf(2_000_000)}}.Sign(testKey(200))
	if err != nil {
		return err
	}
	ticket, err := l.Commit(ctx, u, cert, 2)
	if err != nil {
		return err
	}
	_, err = ticket.Wait(ctx)
	return err
}

// say prints what the provider has earned, as its worker gets it.
func (o *victimOrders) say(ctx context.Context, l *ledger.Ledger) error {
	all, err := l.Earned(ctx, o.Vault)
	if err != nil && !errors.Is(err, ledger.ErrStopped) && cocoon.KindOf(err) != cocoon.Conflict { // no key was told yet
		return err
	}
	for _, e := range all {
		fmt.Println(hex.EncodeToString(e.Bytes()))
	}
	return nil
}

func TestKill_NoReceiptIsShortWhereverTheDispatcherDies(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p := w.opens(1, cocoon.TON(9))
	vault := w.provider(10, price)
	p.deposited()
	w.stop()
	random := rand.New(rand.NewPCG(5, 6))
	o := victimOrders{Network: w.chain.GlobalConfig(), Path: w.cfg.Path, Blobs: w.cfg.Blobs, Ledger: w.cfg.Ledger.Dir, Index: filepath.Join(t.TempDir(), "index.db"),
		Registry: w.desk.Registry, Rewards: w.rewards, Payee: w.cfg.Payee, Channel: p.account, Vault: vault.account, CloseDelay: w.cfg.Ledger.CloseDelay}
	said := map[uint32]cocoon.Nano{}
	for run := 0; run < 12 || run < 40 && len(said) < 2; run++ { // until a number has passed, for which a slow machine needs longer lives
		o.Session = uint64(run) + 2
		w.kills(o, said, random, max(0, run-11)*200)
	}

	p.session = 1000
	w.start()
	require.Eventually(t, func() bool { _, err := w.dispatcher.Book(); return err == nil }, wait, tick, "it hears of the chain")
	l := w.dispatcher.Ledger()
	var s ledger.State
	for range 3 { // until none is left
		s = p.hello(func(ledger.State) bool { return true })
		for _, r := range s.Receipts {
			s.Agreed = plus(t, s.Agreed, r.Cost)
			require.NoError(t, l.OK(t.Context(), p.session, r.ID, r.Cost))
			require.NoError(t, l.Pay(p.session, *p.promises(s.Agreed)))
		}
	}
	require.Empty(t, s.Receipts)
	last := p.uses(&machine{p: vault}, 2, plus(t, s.Agreed, cocoon.NanoOf(50_000_000)), true) // with it comes the voucher that may have been lost
	s.Agreed = plus(t, s.Agreed, last)
	w.advance(3601)
	p.settled(s.Agreed)
	paid := cocoon.Nano{}
	wanted := shareOf(t, s.Agreed)
	for range 120 {
		w.advance(7)
		time.Sleep(30 * time.Millisecond) // for what the keeper sends
		w.published()
		if paid = w.paidTo(vault.account); paid == wanted {
			break
		}
	}
	require.Equal(t, wanted, paid, "all that was used, and once")
	require.Greater(t, len(said), 1, "numbers passed while it was killed")
	for n, earned := range said {
		require.NotEqual(t, -1, w.paidIn(n, vault.account).Cmp(earned), "epoch %d", n)
	}
	w.agree()
}

// kills runs a process until it has said enough, lets time pass, waits for as many
// lines more and some, and kills it.
func (w *town) kills(o victimOrders, said map[uint32]cocoon.Nano, random *rand.Rand, more int) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "orders.json")
	raw, err := json.Marshal(o)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(file, raw, 0o600))
	c := exec.CommandContext(w.ctx, os.Args[0])
	c.Env = append(os.Environ(), victimEnv+"="+file)
	var complaint strings.Builder
	c.Stderr = &complaint
	out, err := c.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, c.Start())
	lines := bufio.NewScanner(out)
	hear := func(n int) {
		for range n {
			require.True(w.t, lines.Scan(), "it died by itself: %s", &complaint)
			b, err := hex.DecodeString(lines.Text())
			require.NoError(w.t, err)
			e, err := receipt.ParseEarned(b)
			require.NoError(w.t, err)
			require.NoError(w.t, e.Verify(wrappers.PublicKey(ledgerKey)))
			require.NotEqual(w.t, 1, said[e.Number].Cmp(e.Amount), "number %d: a receipt takes nothing back", e.Number)
			said[e.Number] = e.Amount
		}
	}
	hear(1 + random.IntN(20))
	require.NoError(w.t, w.chain.Advance(time.Duration(15+random.IntN(30))*time.Second))
	hear(more + 1 + random.IntN(200))
	require.NoError(w.t, c.Process.Kill())
	require.Error(w.t, c.Wait())
}

// published waits until no epoch waits for its leaves: they come in time by the chain's
// clock, which the test moves, or the epoch has failed.
func (w *town) published() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		return !slices.ContainsFunc(w.epochs(), func(e market.Epoch) bool { return e.Phase == wrappers.EpochPublishing.String() })
	}, wait, tick)
}

// paidTo is what finished epochs paid a provider, paidIn what one did.
func (w *town) paidTo(a cocoon.Account) (sum cocoon.Nano) {
	for _, e := range w.epochs() {
		if e.Phase == wrappers.EpochFinished.String() {
			leaves, _ := w.leaves(e)
			sum = plus(w.t, sum, leafOf(leaves, a))
		}
	}
	return sum
}

func (w *town) paidIn(number uint32, a cocoon.Account) (sum cocoon.Nano) {
	for _, e := range w.epochs() {
		if e.Number == number && e.Phase == wrappers.EpochFinished.String() {
			leaves, _ := w.leaves(e)
			sum = leafOf(leaves, a)
		}
	}
	return sum
}
