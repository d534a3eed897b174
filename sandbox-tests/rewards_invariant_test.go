package sandboxtests

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// market is a random history of one rewards contract and its epochs.
type market struct {
	*rewardsStory
	rand   *rand.Rand
	epochs []*epochStory
	paid   map[[2]cocoon.Account]cocoon.Nano // by an epoch to a provider
}

func TestRewards_HoldsWhatItOwesAfterAnyHistory(t *testing.T) {
	t.Parallel()
	var reached [wrappers.EpochFailed + 1]atomic.Int32
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(12) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				walk(t, seed, &reached)
			})
		}
	})
	for phase := range reached { // or these histories say little
		require.Positive(t, reached[phase].Load(), "no epoch ended %s", wrappers.EpochPhase(phase))
	}
}

func walk(t *testing.T, seed uint64, reached *[wrappers.EpochFailed + 1]atomic.Int32) {
	m := &market{rewardsStory: withTerms(t), rand: rand.New(rand.NewPCG(seed, 1)), paid: map[[2]cocoon.Account]cocoon.Nano{}}
	for range 400 {
		m.step()
		m.requireSolvent()
	}
	for _, e := range m.epochs {
		reached[e.state().Phase].Add(1)
	}
	m.requireBooks()
}

// step does anything, by anyone, most often something that is due.
func (m *market) step() {
	value := cocoon.NanoOf(m.rand.Uint64N(3_000_000_000))
	amount := coins(cocoon.NanoOf(m.rand.Uint64N(40_000_000_000)))
	sender := []cocoon.Account{m.owner, m.owner, wallet("stranger")}[m.rand.IntN(3)]
	switch m.rand.IntN(16) {
	case 0:
		try(m.rewardsStory, sender, plus(m.t, value, amount.Nano), wrappers.Fund{Amount: amount, Response: sender})
	case 1:
		try(m.rewardsStory, sender, plus(m.t, value, amount.Nano), wrappers.Bond{Amount: amount, Response: sender})
	case 2:
		try(m.rewardsStory, sender, value, wrappers.RequestUnbond{Amount: amount})
	case 3:
		try(m.rewardsStory, sender, value, wrappers.Withdraw{Amount: coins(cocoon.NanoOf(m.rand.Uint64N(2) * amount.Big().Uint64()))})
	case 4:
		m.open(sender, value)
	case 5:
		m.advance(time.Duration(1<<m.rand.Uint64N(12)) * time.Hour / 4) // a quarter of an hour to three weeks
	default:
		if len(m.epochs) > 0 {
			m.crank(m.epochs[m.rand.IntN(len(m.epochs))], value)
		}
	}
}

// open tries an epoch of a random part of twice the pot.
func (m *market) open(sender cocoon.Account, value cocoon.Nano) {
	total, err := m.pot().MulDiv(m.rand.Uint64N(150), 100)
	require.NoError(m.t, err)
	leaves := leavesWorth(m.t, 1+m.rand.Uint64N(20), plus(m.t, total, cocoon.NanoOf(1000)))
	e := &epochStory{world: m.world, t: m.t, rewards: m.rewards, tree: treeOf(m.t, leaves), leaves: leaves}
	now := m.state()
	e.birth = wrappers.EpochBirth{Rewards: m.rewards, Number: now.Number, Attempt: now.Attempt}
	e.epoch, err = e.birth.Account()
	require.NoError(m.t, err)
	if tr := try(m.rewardsStory, sender, value, openMessageOf(e.tree)); !tr.steps[0].aborted {
		m.epochs = append(m.epochs, e)
	}
}

// crank sends one of an epoch's operations, in season or not.
func (m *market) crank(e *epochStory, value cocoon.Nano) {
	r, n := wallet("change"), e.tree.Len()
	from := m.rand.IntN(n)
	count := 1 + m.rand.IntN(n-from)
	state := e.state()
	var tr trace
	switch m.rand.IntN(10) {
	case 0:
		tell(e, value, e.page(from, count))
	case 1, 2, 8, 9:
		if state.Published < uint32(n) {
			tell(e, value, e.page(int(state.Published), min(count, n-int(state.Published))))
		}
	case 3:
		tr = tell(e, value, e.claim(from))
	case 4:
		if state.Cursor < uint32(n) {
			tr = tell(e, value, e.payout(int(state.Cursor), min(count, n-int(state.Cursor))))
		}
	case 5:
		tell(e, value, wrappers.Pass{Response: r})
	case 6:
		tell(e, value, wrappers.Finish{Response: r})
	case 7:
		tell(e, value, wrappers.Fail{Response: r})
		m.send(wallet("stray"), chain.Message{To: e.epoch, Amount: cocoon.NanoOf(m.rand.Uint64N(1_000_000_000))})
	}
	for i, s := range tr.steps {
		if i > 0 && s.op() == opIncome {
			v, err := cocoon.NanoFromBig(s.value)
			require.NoError(m.t, err)
			way := [2]cocoon.Account{e.epoch, s.to}
			m.paid[way] = plus(m.t, m.paid[way], v)
		}
	}
}

// requireSolvent wants every contract to hold what it owes and every leaf to be
// paid once or not at all.
func (m *market) requireSolvent() {
	m.t.Helper()
	r := m.state()
	require.NotEqual(m.t, -1, m.balance(m.rewards).Cmp(plus(m.t, r.Bond, r.Unbonding)), "rewards holds less than it owes")
	sum := cocoon.Nano{}
	for _, tranche := range r.Tranches {
		sum = plus(m.t, sum, tranche.Amount)
	}
	require.Equal(m.t, sum, r.Unbonding)
	for _, e := range m.epochs {
		s := e.state()
		if s.Phase <= wrappers.EpochPaying {
			require.NotEqual(m.t, -1, m.balance(e.epoch).Cmp(minus(m.t, e.needed(), s.Paid)), "an epoch holds less than it owes")
		}
		paid := cocoon.Nano{}
		for _, l := range e.leaves {
			if got, ok := m.paid[[2]cocoon.Account{e.epoch, l.Provider}]; ok {
				require.Equal(m.t, l.Amount.Nano, got)
				paid = plus(m.t, paid, got)
			}
		}
		require.Equal(m.t, paid, s.Paid)
	}
}
