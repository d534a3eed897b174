package dispatcher_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// withRewards gives the dispatcher a rewards contract with that bond and 10 TON in the pot.
func withRewards(bond uint64) func(*town) {
	return func(w *town) {
		w.t.Helper()
		birth := w.desk.Rewards(w.keeper.Account(), 0)
		var err error
		w.rewards, err = birth.Account()
		require.NoError(w.t, err)
		m, err := w.desk.RewardsTerms(w.ctx, birth)
		require.NoError(w.t, err)
		w.send(w.keeper, m)
		w.awaitRewards(func(r wrappers.Rewards) bool { return r.Terms != nil })
		m, err = w.desk.Bond(w.ctx, birth, cocoon.TON(bond), birth.Owner)
		require.NoError(w.t, err)
		w.send(w.keeper, m)
		m, err = w.desk.Fund(w.ctx, birth, cocoon.TON(10), w.payer.Account())
		require.NoError(w.t, err)
		w.send(w.payer, m)
		w.awaitRewards(func(r wrappers.Rewards) bool { return r.Bond == cocoon.TON(bond) })
		w.cfg.Keeper = dispatcher.KeeperConfig{Rewards: w.rewards, Period: 60, MinUptime: 5000}
	}
}

func (w *town) awaitRewards(enough func(wrappers.Rewards) bool) {
	w.t.Helper()
	w.await(w.rewards, func(a chain.Account) bool {
		if a.Data == nil {
			return false
		}
		r, err := wrappers.DecodeRewards(a.Data)
		require.NoError(w.t, err)
		return enough(r)
	})
}

// epoch waits until the newest epoch is in that phase.
func (w *town) epoch(phase string) (e market.Epoch) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		all, err := w.index.Epochs(w.ctx)
		require.NoError(w.t, err)
		if len(all) == 0 {
			return false
		}
		e = all[len(all)-1]
		return e.Phase == phase
	}, wait, tick, "epoch %s", phase)
	return e
}

// up waits until the dispatcher has heard of the worker.
func (w *town) up(c *cheat) {
	w.t.Helper()
	offers := on(c, bus.OfferVerb, func(bus.Offer) (bus.Message, error) { return nil, bus.Refusef(bus.Busy, "only here for the uptime") })
	customer := w.customer(w.t.TempDir())
	job, attended := w.submitted(customer)
	patient(w.t, offers)
	require.NoError(w.t, customer.Cancel(w.ctx, job))
	require.Error(w.t, patient(w.t, attended))
}

func TestKeeper_PaysWhoWasUpByPushedPages(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(20))
	one, _ := w.provider(10, price), w.provider(20, price) // the second never works
	w.up(w.cheat(one))
	w.advance(61)
	e := w.epoch("window")
	require.EqualValues(t, 1, e.Number)
	leaves, err := w.index.Leaves(t.Context(), e.Account, 0, 10)
	require.NoError(t, err)
	require.Len(t, leaves, 1)
	require.Equal(t, one.account, leaves[0].Provider)
	require.EqualValues(t, 40, leaves[0].P50)
	require.Positive(t, leaves[0].Uptime)
	require.Equal(t, e.Total, leaves[0].Amount)
	require.Equal(t, 1, e.Total.Cmp(cocoon.TON(9)), "nearly all of the pot")
	w.stop()
	w.start() // with nothing but its database
	w.advance(21)
	e = w.epoch("finished")
	require.Equal(t, e.Total, e.Paid)
	w.awaitRewards(func(r wrappers.Rewards) bool { return r.Number == 2 && r.Pending.IsZero() })
}

func TestKeeper_ProvidersMayClaimBeforeItPushes(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(20), func(w *town) { w.cfg.Keeper.Grace = 30 })
	p := w.provider(10, price)
	w.up(w.cheat(p))
	w.advance(61)
	w.epoch("window")
	w.advance(21)
	e := w.epoch("paying")
	leaves, err := w.index.Leaves(t.Context(), e.Account, 0, 10)
	require.NoError(t, err)
	l := leaves[0]
	tree, err := wrappers.NewEpochTree([]wrappers.Leaf{{Provider: l.Provider, Amount: wrappers.Coins{Nano: l.Amount}, Requests: l.Requests, Tokens: l.Tokens,
		Failures: l.Failures, UptimeBps: l.Uptime, P50Ms: l.P50}})
	require.NoError(t, err)
	claim, err := w.desk.Claim(t.Context(), e.Account, tree, 0, p.wallet.Account())
	require.NoError(t, err)
	w.send(p.wallet, claim)
	require.Eventually(t, func() bool { return len(w.epoch("paying").Claimed) == 1 }, wait, tick)
	w.advance(31)
	require.Equal(t, e.Total, w.epoch("finished").Paid, "once")
}

// deaf is a wallet that does not send to one contract, as if we were down.
type deaf struct {
	dispatcher.Sender
	to func(chain.Message) bool
}

func (d *deaf) Send(ctx context.Context, m ...chain.Message) (chain.Sent, error) {
	if d.to(m[0]) {
		return chain.Sent{}, cocoon.Unreachable.Errorf("no liteserver answers")
	}
	return d.Sender.Send(ctx, m...)
}

func TestKeeper_AnEpochThatWasNotPublishedInTimeIsFailedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	mute := make(chan struct{})
	w := newTown(t, withRewards(20), func(w *town) {
		w.deps.Sender = &deaf{w.keeper, func(m chain.Message) bool {
			select {
			case <-mute:
				return false
			default:
				return wrappers.OperationName(m.Body) == "publish"
			}
		}}
	})
	w.up(w.cheat(w.provider(10, price)))
	w.advance(61)
	first := w.epoch("publishing")
	w.advance(21)
	close(mute)
	again := w.epoch("window")
	require.Equal(t, first.Number, again.Number)
	require.EqualValues(t, 1, again.Attempt)
	require.Equal(t, first.Root, again.Root, "the same leaves")
	w.advance(21)
	require.Equal(t, again.Total, w.epoch("finished").Paid)
}

func TestKeeper_SurvivesBeingStoppedBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(20))
	w.up(w.cheat(w.provider(10, price)))
	w.advance(61)
	require.Eventually(t, func() bool { return w.logged("epoch planned") }, wait, tick)
	for _, phase := range []string{"publishing", "window", "paying", "finished"} {
		w.stop()
		w.start()
		if phase != "publishing" { // which is over at once
			w.epoch(phase)
		}
		if phase == "window" {
			w.advance(21)
		}
	}
	all, err := w.index.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestKeeper_OpensNothingWithoutItsBondAndOffice(t *testing.T) {
	t.Parallel()
	t.Run("bond", func(t *testing.T) {
		t.Parallel()
		w := newTown(t, withRewards(19))
		w.up(w.cheat(w.provider(10, price)))
		w.advance(61)
		require.Eventually(t, func() bool { return w.logged("needs a bond of 20 TON, there is 19 TON") }, wait, tick)
		require.Empty(t, w.epochs())
	})
	t.Run("operator", func(t *testing.T) {
		t.Parallel()
		w := newTown(t, withRewards(20))
		m, err := w.desk.Appoint(t.Context(), w.desk.Rewards(w.keeper.Account(), 0), cocoon.Account{5})
		require.NoError(t, err)
		w.send(w.keeper, m)
		w.up(w.cheat(w.provider(10, price)))
		w.advance(61)
		require.Eventually(t, func() bool { return w.logged("epochs are opened by") }, wait, tick)
		require.Empty(t, w.epochs())
	})
}

func (w *town) epochs() []market.Epoch {
	w.t.Helper()
	all, err := w.index.Epochs(w.ctx)
	require.NoError(w.t, err)
	return all
}

// stingy sends the first message of one op with too little value.
type stingy struct {
	dispatcher.Sender
	once sync.Once
}

func (s *stingy) Send(ctx context.Context, m ...chain.Message) (chain.Sent, error) {
	if wrappers.OperationName(m[0].Body) == "open_epoch" {
		s.once.Do(func() { m[0].Amount = cocoon.NanoOf(2_000_000) })
	}
	return s.Sender.Send(ctx, m...)
}

func TestKeeper_AnOpeningThatTheContractRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, withRewards(20), func(w *town) { w.deps.Sender = &stingy{Sender: w.keeper} })
	w.up(w.cheat(w.provider(10, price)))
	w.advance(61)
	e := w.epoch("window")
	require.Zero(t, e.Attempt)
	refused := 0
	for _, e := range w.events() {
		if e.Name == "open_epoch" && !e.OK {
			refused++
		}
	}
	require.Equal(t, 1, refused)
}
