package dispatcher_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

// shareOf is what n leaves providers: the network takes 1 %, the dispatcher 2 %.
func shareOf(t *testing.T, n cocoon.Nano) cocoon.Nano {
	part, err := n.MulDiv(9_700, 10_000)
	require.NoError(t, err)
	return part
}

// earned is the newest receipt of a provider, of one number.
func (w *town) earned(p provider, number uint32) receipt.SignedEarned {
	w.t.Helper()
	all, err := w.dispatcher.Ledger().Earned(w.ctx, p.account)
	require.NoError(w.t, err)
	i := slices.IndexFunc(all, func(e receipt.SignedEarned) bool { return e.Number == number })
	require.GreaterOrEqual(w.t, i, 0, "number %d among %v", number, all)
	require.NoError(w.t, all[i].Verify(wrappers.PublicKey(ledgerKey)))
	return all[i]
}

// leaves are those that the epoch published, with the tree of them.
func (w *town) leaves(e market.Epoch) ([]market.Leaf, *wrappers.EpochTree) {
	w.t.Helper()
	all, err := w.index.Leaves(w.ctx, e.Account, 0, 100)
	require.NoError(w.t, err)
	var list []wrappers.Leaf
	for _, l := range all {
		list = append(list, wrappers.Leaf{Provider: l.Provider, Amount: wrappers.Coins{Nano: l.Amount}, Requests: l.Requests, Tokens: l.Tokens,
			Failures: l.Failures, UptimeBps: l.Uptime, P50Ms: l.P50})
	}
	tree, err := wrappers.NewEpochTree(list)
	require.NoError(w.t, err)
	return all, tree
}

func leafOf(all []market.Leaf, a cocoon.Account) (amount cocoon.Nano) {
	for _, l := range all {
		if l.Provider == a {
			amount = l.Amount
		}
	}
	return amount
}

// proves sends a receipt to refute the epoch with, and returns what became of it.
func (w *town) proves(e market.Epoch, s receipt.SignedEarned) market.Event {
	w.t.Helper()
	all, tree := w.leaves(e)
	at := slices.IndexFunc(all, func(l market.Leaf) bool { return l.Provider == s.Provider })
	from := max(at-1, 0)
	proof, err := tree.Proof(from, at-from+1)
	require.NoError(w.t, err)
	prove, err := wrappers.NewProve(s, uint32(at), proof, 0, w.payer.Account())
	require.NoError(w.t, err)
	body, err := wrappers.Cell(prove)
	require.NoError(w.t, err)
	fees, err := wrappers.GetEpochFees(w.ctx, w.client, e.Account, 1)
	require.NoError(w.t, err)
	w.send(w.payer, chain.Message{To: e.Account, Amount: fees.Prove, Bounce: true, Body: body})
	var found market.Event
	require.Eventually(w.t, func() bool {
		events := w.events()
		i := slices.IndexFunc(events, func(found market.Event) bool { return found.Account == e.Account && found.Name == "prove" })
		if i >= 0 {
			found = events[i]
		}
		return i >= 0
	}, wait, tick)
	return found
}

func TestEpoch_PaysWhatReceiptsSayAndNoReceiptRefutesIt(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	one, two := w.provider(10, price), w.provider(20, price)
	p, q := w.opens(1, cocoon.TON(8)), w.opens(2, cocoon.TON(8))
	p.deposited()
	q.deposited()
	m, n := &machine{p: one}, &machine{p: two}
	sum := cocoon.Nano{}
	for range 3 {
		sum = plus(t, sum, p.uses(m, 1000, cocoon.TON(6), true))
		sum = plus(t, sum, q.uses(n, 400, cocoon.TON(6), true))
	}
	first, second := w.earned(one, 1), w.earned(two, 1)
	require.Equal(t, shareOf(t, cocoon.TON(3)), first.Amount)
	require.Equal(t, shareOf(t, cocoon.NanoOf(1_200_000_000)), second.Amount)
	w.stop()
	w.start()
	w.advance(3601)
	e := w.epoch("window")
	p.settled(cocoon.TON(3))
	leaves, _ := w.leaves(e)
	require.Equal(t, first.Amount, leafOf(leaves, one.account), "nobody was up, so the pot's rest stays")
	require.Equal(t, second.Amount, leafOf(leaves, two.account))
	ours, err := plus(t, first.Amount, second.Amount).MulDiv(200, 9_700)
	require.NoError(t, err)
	require.Equal(t, ours, leafOf(leaves, w.keeper.Account()))
	require.Len(t, leaves, 3)
	for _, s := range []receipt.SignedEarned{first, second} {
		refused := w.proves(e, s)
		require.False(t, refused.OK)
		require.EqualValues(t, 619, refused.ExitCode)
		w.stop()
		w.start()
	}

	late := w.opens(3, cocoon.TON(3))
	late.deposited()
	late.uses(m, 100, cocoon.TON(1), true)
	next := w.earned(one, 2)
	require.Equal(t, shareOf(t, cocoon.NanoOf(100_000_000)), next.Amount, "1 is open, so 2 is signed, from nothing on")
	w.advance(21)
	e = w.epoch("finished")
	require.Equal(t, e.Total, e.Paid)
	require.Equal(t, first.Amount, w.received(one.account, "income", e.Account), "to the nanoTON")
	require.Equal(t, second.Amount, w.received(two.account, "income", e.Account))
	q.settled(cocoon.NanoOf(1_200_000_000))
	for _, c := range []*payer{p, q} {
		s := c.hello(func(s ledger.State) bool { return s.Settled == s.Agreed })
		require.Equal(t, s.Agreed, w.brought(c.account), "what was used has reached the pot")
	}
	w.agree()
	w.advance(3601)
	require.Eventually(t, func() bool { return len(w.epochs()) == 2 }, wait, tick)
	e = w.epoch("window")
	leaves, _ = w.leaves(e)
	require.Equal(t, next.Amount, leafOf(leaves, one.account))
	w.agree()
}

// received is what messages of that name brought to a, from one sender.
func (w *town) received(a cocoon.Account, name string, from cocoon.Account) (sum cocoon.Nano) {
	w.t.Helper()
	for _, e := range w.events() {
		if e.Account == a && e.Name == name && e.From == from && e.OK {
			sum = plus(w.t, sum, e.Value)
		}
	}
	return sum
}

// brought is what a channel's settlements said they bring.
func (w *town) brought(channel cocoon.Account) (sum cocoon.Nano) {
	w.t.Helper()
	for _, e := range w.settles() {
		for _, out := range e.Out {
			if e.Account == channel && out.To == w.rewards {
				sum = plus(w.t, sum, *out.Amount)
			}
		}
	}
	return sum
}

// agree wants money and tables of the index to be the chain's, to the nanoTON.
func (w *town) agree() {
	w.t.Helper()
	w.indexed()
	differences, err := w.index.Audit(w.ctx)
	require.NoError(w.t, err)
	require.Empty(w.t, differences)
	m, err := w.index.Money(w.ctx)
	require.NoError(w.t, err)
	require.Equal(w.t, m.Received, plus(w.t, plus(w.t, m.Paid, m.Fees), m.Held))
}

func TestEpoch_SharesByUptimeWhatNoReceiptNames(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	idle, busy := w.provider(10, price), w.provider(20, price)
	w.up(w.cheat(idle))
	p, m := w.opens(1, cocoon.TON(8)), &machine{p: busy}
	p.deposited()
	p.uses(m, 2000, cocoon.TON(6), true)
	s := w.earned(busy, 1)
	w.advance(61) // nothing is settled, but the pot was funded
	leaves, tree := w.leaves(w.epoch("window"))
	require.Equal(t, s.Amount, leafOf(leaves, busy.account))
	require.Positive(t, leafOf(leaves, idle.account).Cmp(cocoon.TON(7)))
	require.Negative(t, tree.Total().Cmp(cocoon.TON(10)))
}

func TestEpoch_ThatThePotCannotPayWaitsForWhatItCollects(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(15)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 10_000, cocoon.TON(12), true) // not more than half of the bond; of a pot of 10 TON, less the shares
	s := w.earned(m.p, 1)
	w.advance(60)
	w.advance(2)
	p.settled(cocoon.TON(10))
	leaves, _ := w.leaves(w.epoch("window"))
	require.Equal(t, s.Amount, leafOf(leaves, m.p.account))
}

func TestEpoch_ARefutedOneIsOpenedAgainWithItsNumberAndLeaves(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(40), withReceiptKey, withLedger)
	p, m := w.opens(1, cocoon.TON(8)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 2000, cocoon.TON(6), true)
	s := w.earned(m.p, 1)
	w.advance(3601)
	e := w.epoch("window")
	forged := s.Earned // by a key that was stolen
	forged.Amount = plus(t, forged.Amount, cocoon.NanoOf(1))
	stolen, err := forged.Sign(ledgerKey)
	require.NoError(t, err)
	require.True(t, w.proves(e, stolen).OK)
	require.Eventually(t, func() bool { return len(w.epochs()) == 2 }, wait, tick)
	again := w.epoch("window")
	require.Equal(t, e.Number, again.Number)
	require.EqualValues(t, 1, again.Attempt)
	require.Equal(t, e.Root, again.Root)
	w.advance(21)
	require.Equal(t, again.Total, w.epoch("finished").Paid)
}
