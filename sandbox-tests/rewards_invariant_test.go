package sandboxtests

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// market is a random history of one rewards contract, its roles and its epochs.
type market struct {
	*rewardsStory
	rand    *rand.Rand
	epochs  []*epochStory
	paid    map[[2]cocoon.Account]cocoon.Nano // by an epoch to a provider
	reached *reached
}

// reached counts what happened in all histories, or they say little.
type reached struct {
	phases                                                [wrappers.EpochFailed + 1]atomic.Int32
	proven, penalties, successions, transfers, owed, keys atomic.Int32
}

func TestRewards_HoldsWhatItOwesAfterAnyHistory(t *testing.T) {
	t.Parallel()
	var r reached
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(12) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				walk(t, seed, &r)
			})
		}
	})
	for phase := range r.phases {
		require.Positive(t, r.phases[phase].Load(), "no epoch ended %s", wrappers.EpochPhase(phase))
	}
	for what, n := range map[string]*atomic.Int32{"proof": &r.proven, "penalty": &r.penalties, "succession": &r.successions, "transfer": &r.transfers,
		"lodged receipt": &r.owed, "rotation": &r.keys} {
		require.Positive(t, n.Load(), "no %s happened", what)
	}
}

func walk(t *testing.T, seed uint64, r *reached) {
	m := &market{rewardsStory: withKey(t), rand: rand.New(rand.NewPCG(seed, 1)), paid: map[[2]cocoon.Account]cocoon.Nano{}, reached: r}
	for range 500 {
		before := m.state()
		tr := m.step()
		m.requireSolvent()
		m.requireFollows(before, tr)
	}
	for _, e := range m.epochs {
		r.phases[e.state().Phase].Add(1)
	}
	m.requireBooks()
}

// anyone is most often the owner, whoever that is by now.
func (m *market) anyone() cocoon.Account {
	owner := m.state().Owner
	return []cocoon.Account{owner, owner, wallet("heir"), wallet("next"), wallet("stranger")}[m.rand.IntN(5)]
}

// step does anything, by anyone, most often something that is due.
func (m *market) step() trace {
	value := cocoon.NanoOf(m.rand.Uint64N(3_000_000_000))
	amount := coins(cocoon.NanoOf(m.rand.Uint64N(40_000_000_000)))
	sender := m.anyone()
	switch m.rand.IntN(18) {
	case 0:
		return try(m.rewardsStory, sender, plus(m.t, value, amount.Nano), wrappers.Fund{Amount: amount, Response: sender})
	case 1:
		return try(m.rewardsStory, sender, plus(m.t, value, amount.Nano), wrappers.Bond{Amount: amount, Response: sender})
	case 2:
		return try(m.rewardsStory, sender, value, wrappers.RequestUnbond{Amount: amount})
	case 3:
		return try(m.rewardsStory, sender, value, wrappers.Withdraw{Amount: coins(cocoon.NanoOf(m.rand.Uint64N(2) * amount.Big().Uint64()))})
	case 4, 5:
		return m.open(m.state().Operator, value)
	case 6:
		m.advance(time.Duration(1<<m.rand.Uint64N(12)) * time.Hour / 4) // a quarter of an hour to three weeks
		return trace{}
	case 7, 8:
		return m.rule(sender, value)
	}
	if len(m.epochs) == 0 {
		return trace{}
	}
	recent := max(0, len(m.epochs)-3)
	return m.crank(m.epochs[recent+m.rand.IntN(len(m.epochs)-recent)], value)
}

// rule changes who may do what.
func (m *market) rule(sender cocoon.Account, value cocoon.Nano) trace {
	number := m.state().Number
	switch m.rand.IntN(8) {
	case 0:
		return try(m.rewardsStory, sender, value, wrappers.SetHeir{Heir: wallet("heir")})
	case 1:
		return try(m.rewardsStory, sender, value, wrappers.TransferOwnership{Owner: wallet("next")})
	case 2:
		return try(m.rewardsStory, wallet("next"), value, wrappers.AcceptOwnership{})
	case 3, 4:
		return try(m.rewardsStory, wallet("heir"), value, wrappers.Succeed{})
	case 5:
		return try(m.rewardsStory, sender, value, m.rotation(m.key(number+uint32(m.rand.IntN(4)))))
	case 6:
		of := number + uint32(m.rand.IntN(3))
		return try(m.rewardsStory, sender, value, m.owing(of, m.key(of)))
	}
	return try(m.rewardsStory, sender, value, longestEndpoint())
}

// key names one of three keys: most often the one that signs receipts of that number.
func (m *market) key(number uint32) string {
	names := []string{"receipts", "second", "third"}
	if m.rand.IntN(4) > 0 {
		for _, name := range names {
			if m.state().Keys.Of(number) == publicOf(name) {
				return name
			}
		}
	}
	return names[m.rand.IntN(len(names))]
}

// open tries an epoch of a random part of one and a half times the pot.
func (m *market) open(sender cocoon.Account, value cocoon.Nano) trace {
	total, err := m.pot().MulDiv(m.rand.Uint64N(150), 100)
	require.NoError(m.t, err)
	leaves := leavesWorth(m.t, 1+m.rand.Uint64N(20), plus(m.t, total, cocoon.NanoOf(1000)))
	e := &epochStory{world: m.world, t: m.t, rewards: m.rewards, tree: treeOf(m.t, leaves), leaves: leaves}
	now := m.state()
	e.birth = wrappers.EpochBirth{Rewards: m.rewards, Number: now.Number, Attempt: now.Attempt}
	e.epoch, err = e.birth.Account()
	require.NoError(m.t, err)
	tr := try(m.rewardsStory, sender, value, openMessageOf(e.tree))
	if !tr.steps[0].aborted {
		m.epochs = append(m.epochs, e)
	}
	return tr
}

// crank sends one of an epoch's operations, in season or not.
func (m *market) crank(e *epochStory, value cocoon.Nano) trace {
	r, n := wallet("change"), e.tree.Len()
	from := m.rand.IntN(n)
	count := 1 + m.rand.IntN(n-from)
	state := e.state()
	switch m.rand.IntN(12) {
	case 0:
		return tell(e, value, e.page(from, count))
	case 1, 2, 8, 9:
		if state.Published < uint32(n) {
			return tell(e, value, e.page(int(state.Published), min(count, n-int(state.Published))))
		}
	case 3:
		return m.note(e, tell(e, value, e.claim(from)))
	case 4:
		if state.Cursor < uint32(n) {
			return m.note(e, tell(e, value, e.payout(int(state.Cursor), min(count, n-int(state.Cursor)))))
		}
	case 5:
		return tell(e, value, wrappers.Pass{Response: r})
	case 6:
		return tell(e, value, wrappers.Finish{Response: r})
	case 7:
		m.send(wallet("stray"), chain.Message{To: e.epoch, Amount: cocoon.NanoOf(m.rand.Uint64N(1_000_000_000))})
		return tell(e, value, wrappers.Fail{Response: r})
	default:
		return m.prove(e, from, value)
	}
	return trace{}
}

// prove shows a receipt for less than a leaf, as much or more, or for nobody in the tree.
func (m *market) prove(e *epochStory, index int, value cocoon.Nano) trace {
	amount, err := e.leaves[index].Amount.MulDiv(m.rand.Uint64N(5), 3)
	require.NoError(m.t, err)
	provider := e.leaves[index].Provider
	if m.rand.IntN(3) == 0 {
		provider[16]++ // right behind that leaf
		index++
	}
	signed := signedBy(m.t, m.key(e.birth.Number), earnedIn(m.rewards, e.birth.Number, provider, amount))
	return tell(e, value, e.proofAt(index, signed))
}

// note remembers what an epoch paid.
func (m *market) note(e *epochStory, tr trace) trace {
	for i, s := range tr.steps {
		if i > 0 && s.op() == opIncome {
			v, err := cocoon.NanoFromBig(s.value)
			require.NoError(m.t, err)
			way := [2]cocoon.Account{e.epoch, s.to}
			m.paid[way] = plus(m.t, m.paid[way], v)
		}
	}
	return tr
}

// requireFollows wants what one message changed to be what the rules allow.
func (m *market) requireFollows(before wrappers.Rewards, tr trace) {
	m.t.Helper()
	r := m.state()
	require.Contains(m.t, []uint32{before.Number, before.Number + 1}, r.Number)
	require.GreaterOrEqual(m.t, r.Owed, before.Owed)
	for _, s := range tr.steps {
		if s.aborted || s.bounced || s.to != m.rewards {
			continue
		}
		switch s.op() {
		case opWithdraw:
			require.Greater(m.t, before.Number, before.Owed, "who owes has left")
			require.True(m.t, before.Pending.IsZero())
			require.Equal(m.t, before.Owner, s.from)
		case opFailed:
			m.requirePaidPenalty(before, tr)
		case opSucceed:
			m.reached.successions.Add(1)
			require.GreaterOrEqual(m.t, m.now, before.SeenAt+before.Terms.HeirAfter)
			require.Equal(m.t, before.Heir, r.Owner)
		case opAcceptOwnership:
			m.reached.transfers.Add(1)
			require.Equal(m.t, before.NextOwner, r.Owner)
		case opOwe:
			m.reached.owed.Add(1)
		case opRotateKey:
			m.reached.keys.Add(1)
			require.Equal(m.t, before.Keys.Of(before.Number), r.Keys.Of(before.Number), "a key of receipts that are out has changed")
			require.Equal(m.t, before.Keys.Of(before.Number+1), r.Keys.Of(before.Number+1), "a key of receipts that are out has changed")
		}
	}
	if r.Owner != before.Owner {
		require.True(m.t, r.Heir.IsZero() && r.NextOwner.IsZero())
	}
}

// requirePaidPenalty wants what bond and tranches lost to be with provider and
// treasury, and the number to be as it was.
func (m *market) requirePaidPenalty(before wrappers.Rewards, tr trace) {
	m.t.Helper()
	r := m.state()
	require.Equal(m.t, before.Number, r.Number)
	require.Equal(m.t, before.Attempt+1, r.Attempt)
	require.Equal(m.t, before.Cap, r.Cap)
	lost := minus(m.t, plus(m.t, before.Bond, before.Unbonding), plus(m.t, r.Bond, r.Unbonding))
	sum := new(big.Int)
	for _, s := range tr.steps {
		if s.from == m.rewards && (s.op() == opIncome || s.op() == opPayout) {
			sum.Add(sum, s.value)
		}
	}
	require.Equal(m.t, lost.Text(), sum.String(), "what was taken was paid")
	if tr.steps[0].op() == opProve {
		m.reached.proven.Add(1)
	}
	if !lost.IsZero() {
		m.reached.penalties.Add(1)
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
