package dispatcher_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// withReceiptKey makes the ledger's key that of the rewards contract.
func withReceiptKey(w *town) {
	w.t.Helper()
	m, err := w.desk.RotateKey(w.ctx, w.desk.Rewards(w.keeper.Account(), 0), ledgerKey)
	require.NoError(w.t, err)
	w.send(w.keeper, m)
	w.awaitRewards(func(r wrappers.Rewards) bool { return r.Keys.Key == wrappers.PublicKey(ledgerKey) })
}

// payer is a channel and what its client knows.
type payer struct {
	w       *town
	account cocoon.Account
	key     ed25519.PrivateKey
	session uint64
	wallet  *chain.Wallet
	next    uint32
}

// opens opens a channel with that escrow, salted by n.
func (w *town) opens(n byte, escrow cocoon.Nano, changes ...func(*wrappers.ChannelBirth)) *payer {
	w.t.Helper()
	p := &payer{w: w, key: testKey(100 + n), session: 1, wallet: w.payer}
	b := wrappers.ChannelBirth{Client: w.payer.Account(), ClientKey: wrappers.PublicKey(p.key), Rewards: w.rewards,
		DispatcherKey: wrappers.PublicKey(ledgerKey), CloseDelay: action.QuickRules().CloseDelay, Salt: uint64(n)}
	for _, change := range changes {
		change(&b)
	}
	var err error
	p.account, err = b.Account()
	require.NoError(w.t, err)
	m, err := w.desk.OpenChannel(w.ctx, b, escrow, cocoon.NewModelID(model), 1000)
	require.NoError(w.t, err)
	w.send(w.payer, m)
	w.channel(p.account, func(c market.Channel) bool { return c.Demand != nil })
	return p
}

// channel waits until the index says so of the channel.
func (w *town) channel(a cocoon.Account, enough func(market.Channel) bool) (c market.Channel) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var err error
		c, err = w.index.Channel(w.ctx, a)
		return err == nil && enough(c)
	}, wait, tick, "channel %s", a)
	return c
}

// hello waits until the ledger knows the channel as enough wants it.
func (p *payer) hello(enough func(ledger.State) bool) (s ledger.State) {
	p.w.t.Helper()
	require.Eventually(p.w.t, func() bool {
		var err error
		s, err = p.w.dispatcher.Ledger().Hello(p.account, p.session, nil, 0)
		return err == nil && enough(s)
	}, wait, tick, "hello of channel %s", p.account)
	return s
}

func (p *payer) promises(n cocoon.Nano) *voucher.Signed {
	v, err := voucher.Voucher{GlobalID: p.w.net.GlobalID, Channel: p.account, Cumulative: n}.Sign(p.key)
	require.NoError(p.w.t, err)
	return &v
}

// machine is the session of a provider's worker.
type machine struct {
	p      provider
	number uint32
}

var bootID = ledger.ID{1, 2, 3}

func (m *machine) certificate(w *town) receipt.SignedCertificate {
	c, err := receipt.Certificate{GlobalID: w.net.GlobalID, Provider: m.p.account, SessionKey: wrappers.PublicKey(testKey(200)), Boot: bootID, NotAfter: 1 << 31}.Sign(m.p.worker)
	require.NoError(w.t, err)
	return c
}

// streamPrice costs 0.001 TON a token.
var streamPrice = cocoon.Price{Prompt: cocoon.TON(1000), Cached: cocoon.TON(1000), Completion: cocoon.TON(1000), Reasoning: cocoon.TON(1000)}

// uses lets m serve a request of n tokens, 0.001 TON each, in all as a real
// gateway would; with answered the client agrees and signs for all agreed usage.
func (p *payer) uses(m *machine, n uint64, cover cocoon.Nano, answered bool) cocoon.Nano {
	p.w.t.Helper()
	t, l := p.w.t, p.w.dispatcher.Ledger()
	p.next++
	r := ledger.Request{ID: ledger.ID(append(p.account[:12:12], binary.BigEndian.AppendUint32(nil, p.next)...)), Channel: p.account, Route: ledger.Key{7},
		Size: bound.Size{Prompt: n, Choices: 1, MaxOut: 1}, Price: streamPrice}
	require.NoError(t, l.Admit(p.session, r, p.promises(cover)))
	require.NoError(t, l.Assign(r.ID, ledger.Attempt{Number: 1, Provider: m.p.account, Worker: ledger.Key(m.p.id()), Boot: bootID, Price: streamPrice}))
	m.number++
	used := cocoon.Usage{Prompt: n}
	cost, err := streamPrice.Cost(used)
	require.NoError(t, err)
	u, err := receipt.Usage{Scope: receipt.Scope{GlobalID: p.w.net.GlobalID, Provider: m.p.account, Rewards: p.w.rewards, Worker: m.p.id(), Boot: bootID, Number: m.number},
		Content: receipt.Content{Request: r.ID, Attempt: 1, Route: r.Route, Usage: used, Price: streamPrice, Cost: cost}}.Sign(testKey(200))
	require.NoError(t, err)
	ticket, err := l.Commit(t.Context(), u, m.certificate(p.w), n)
	require.NoError(t, err)
	o, err := ticket.Wait(t.Context())
	require.NoError(t, err)
	require.Empty(t, o.Void)
	if answered {
		s := p.hello(func(ledger.State) bool { return true })
		agreed, err := s.Agreed.Add(cost)
		require.NoError(t, err)
		require.NoError(t, l.OK(t.Context(), p.session, r.ID, cost))
		require.NoError(t, l.Pay(p.session, *p.promises(agreed)))
	}
	return cost
}

// newStreams is a town whose dispatcher keeps a ledger.
func newStreams(t *testing.T, options ...func(*town)) *town {
	t.Helper()
	return newTown(t, append([]func(*town){withRewards(20), withReceiptKey, withLedger}, options...)...)
}

func (w *town) free(a cocoon.Account) cocoon.Nano {
	w.t.Helper()
	n, err := wrappers.GetChannelFree(w.ctx, w.client, a)
	require.NoError(w.t, err)
	return n
}

func plus(t *testing.T, a, b cocoon.Nano) cocoon.Nano {
	n, err := a.Add(b)
	require.NoError(t, err)
	return n
}

// deposited waits until the ledger's D is what the contract says of itself.
func (p *payer) deposited() ledger.State {
	p.w.t.Helper()
	return p.hello(func(s ledger.State) bool { return s.Deposited == plus(p.w.t, s.Settled, p.w.free(p.account)) })
}

func TestFacts_OfAChannelAreWhatItsContractSays(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p := w.opens(1, cocoon.TON(5))
	s := p.deposited()
	require.NotEqual(t, -1, s.Deposited.Cmp(cocoon.TON(5)), "the rent came on top")

	m, err := w.desk.TopUpChannel(t.Context(), p.account, cocoon.TON(1))
	require.NoError(t, err)
	w.send(w.payer, m)
	p.hello(func(now ledger.State) bool { return now.Deposited.Cmp(s.Deposited) > 0 })
	p.deposited()

	m, err = w.desk.Settle(t.Context(), *p.promises(cocoon.TON(2)), w.payer.Account())
	require.NoError(t, err)
	w.send(w.payer, m)
	p.hello(func(now ledger.State) bool { return now.Settled == cocoon.TON(2) })
	p.deposited()

	next := testKey(99)
	m, err = w.desk.RotateChannel(t.Context(), p.account, next)
	require.NoError(t, err)
	w.send(w.payer, m)
	require.Eventually(t, func() bool {
		keys, err := w.dispatcher.Ledger().Keys(p.account)
		return err == nil && len(keys) == 2 && keys[0] == ledger.Key(wrappers.PublicKey(next)) && keys[1] == ledger.Key(wrappers.PublicKey(p.key))
	}, wait, tick)
	w.stop()
	w.start()
	p.deposited()
	w.advance(action.QuickRules().CloseDelay + 1)
	require.Eventually(t, func() bool {
		keys, err := w.dispatcher.Ledger().Keys(p.account)
		return err == nil && len(keys) == 1
	}, wait, tick, "by the chain's clock")
}

// absent is an index that does not answer while it is told not to.
type absent struct {
	dispatcher.Index
	gone atomic.Bool
}

func (a *absent) RewardsAt(ctx context.Context, at cocoon.Account) (market.Rewards, error) {
	if a.gone.Load() {
		return market.Rewards{}, cocoon.Unreachable.Errorf("the database does not answer")
	}
	return a.Index.RewardsAt(ctx, at)
}

func TestFacts_WaitForAnIndexThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	index := &absent{}
	index.gone.Store(true)
	w := newStreams(t, func(w *town) { index.Index, w.deps.Index = w.index, index })
	p := w.opens(1, cocoon.TON(5))
	require.Eventually(t, func() bool { return w.logged("the ledger is not up to date") }, wait, tick)
	_, err := w.dispatcher.Book()
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	_, err = w.dispatcher.Ledger().Hello(p.account, 1, nil, 0)
	require.ErrorIs(t, err, ledger.ErrUnknown)
	index.gone.Store(false)
	p.deposited()
}

// racing is a log that has always gone on when somebody looks again.
type racing struct {
	dispatcher.Feed
	on     atomic.Bool
	looked atomic.Int32
}

func (r *racing) Events(ctx context.Context, after uint64, limit int) ([]market.Event, error) {
	if limit == 1 && r.on.Load() {
		r.looked.Add(1)
		return []market.Event{{Seq: after + 1}}, nil
	}
	return r.Feed.Events(ctx, after, limit)
}

func TestFacts_OfTwoMomentsAreNotTold(t *testing.T) {
	t.Parallel()
	feed := &racing{}
	feed.on.Store(true)
	w := newStreams(t, func(w *town) { feed.Feed, w.deps.Feed = w.index, feed })
	p := w.opens(1, cocoon.TON(5))
	seen := feed.looked.Load()
	require.Eventually(t, func() bool { return feed.looked.Load() > seen+2 }, wait, tick)
	_, err := w.dispatcher.Ledger().Hello(p.account, 1, nil, 0)
	require.ErrorIs(t, err, ledger.ErrUnknown)
	_, err = w.dispatcher.Book()
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	feed.on.Store(false)
	p.deposited()
}

func TestBook_SaysWhatIsOwedAndNotSettled(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 1000, cocoon.TON(3), true)
	earned := w.earned(m.p, 1)
	b, err := w.dispatcher.Book()
	require.NoError(t, err)
	require.NoError(t, b.Verify(wrappers.PublicKey(ledgerKey)))
	require.Equal(t, earned.Amount, b.Earned)
	require.Equal(t, cocoon.TON(1), b.Unsettled)
	require.Positive(t, b.Seqno)
}

func TestFacts_AChannelThatOthersCouldCloseIsNotServed(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	foreign := w.opens(1, cocoon.TON(1), func(b *wrappers.ChannelBirth) { b.DispatcherKey = wrappers.PublicKey(testKey(98)) })
	hasty := w.opens(2, cocoon.TON(1), func(b *wrappers.ChannelBirth) { b.CloseDelay-- })
	w.opens(3, cocoon.TON(1)).deposited()
	for _, p := range []*payer{foreign, hasty} {
		_, err := w.dispatcher.Ledger().Hello(p.account, 1, nil, 0)
		require.ErrorIs(t, err, ledger.ErrUnknown)
	}
}
