package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFlaw_H8_ChannelBornAgainPaysItsVouchersAgain(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H8", func(t *testing.T, d design) cocoon.Nano {
		c := fundedChannel(t)
		d.in(c.world)
		spent := c.voucher(ton(3))
		post(c, wallet("relay"), ton(1), spent).requireOK(t)
		post(c, c.birth.Client, ton(1), wrappers.RequestClose{}).requireOK(t)
		c.advance(closeDelay)
		post(c, wallet("crank"), ton(1), finishTo("crank")).requireOK(t)
		init, err := c.birth.Init()
		require.NoError(t, err)
		c.send(c.birth.Client, chain.Message{To: c.channel, Amount: ton(10), Init: init}).requireOK(t)
		tr := post(c, wallet("relay"), ton(1), spent)
		if d.stops(tr, errWrongPhase) {
			return cocoon.Nano{}
		}
		return tr.settled(t)
	})
	require.Equal(t, ton(3), flawed, "signed once, paid twice")
	require.True(t, ours.IsZero())
}

// withPayee is a leaf that names a wallet at its end.
func withPayee(t *testing.T, leaf wrappers.Leaf, payee cocoon.Account) *cell.Cell {
	t.Helper()
	return body(t, leaf).ToBuilder().MustStoreSlice(payee[:], 256).EndCell()
}

func TestFlaw_H9_LeafOfTheRightAmountPaysTheDispatcher(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H9", func(t *testing.T, d design) spoils {
		victim, thief := providerAt(1), wallet("thief")
		leaf := wrappers.Leaf{Provider: victim, Amount: coins(owedToVictim)}
		f := forge(t, owedToVictim, map[int]*cell.Cell{0: withPayee(t, leaf, thief)}, 1)
		d.in(f.world)
		if d.stops(f.publish(0, 1), errTrailing) {
			f = forge(t, owedToVictim, map[int]*cell.Cell{0: body(t, leaf)}, 1)
			f.publish(0, 1).requireOK(t)
		}
		complaint := f.refute(0, victim, owedToVictim)
		complaint.Proof = f.proof(0, 1)
		tell(f.epochStory, ton(1), complaint).requireExit(t, errWrongEvidence)
		f.pass()
		tell(f.epochStory, ton(1), wrappers.Push{Count: 1, Page: f.proof(0, 1)}).requireOK(t)
		return spoils{f.balance(thief), f.balance(victim)}
	})
	require.Equal(t, spoils{thief: owedToVictim}, flawed)
	require.Equal(t, spoils{victim: owedToVictim}, ours)
}

func TestFlaw_H10_NewKeyVoidsTheReceiptsOfTheOld(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H10", func(t *testing.T, d design) spoils {
		f := newFraud(t, d)
		f.rotate("other receipts").requireOK(t)
		e := f.opens(f.leaf(f.accomplice, ton(900)))
		tr := f.victimProves(e)
		if !d.flawed {
			tr.requireOK(t)
			return f.spoils()
		}
		tr.requireExit(t, errWrongSignature)
		e.pass()
		e.push()
		return f.spoils()
	})
	require.Equal(t, spoils{thief: ton(900)}, flawed)
	require.Equal(t, spoils{victim: quarter}, ours)
}

func TestFlaw_H11_BondIsGoneWhenTheConvictionComes(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H11", func(t *testing.T, d design) cocoon.Nano {
		f := newFraud(t, d)
		try(f.rewardsStory, f.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
		f.advance(14 * 24 * time.Hour)
		fake := []wrappers.Leaf{f.leaf(f.accomplice, ton(900))}
		e, tr := f.openEpoch(fake)
		if d.stops(tr, errNotEnoughBond) {
			f.bonds(ton(500))
			e, tr = f.openEpoch(fake)
			tr.requireOK(t)
		}
		e.publish()
		d.stops(try(f.rewardsStory, f.owner, ton(1), wrappers.Withdraw{}), errPending)
		f.victimProves(e).requireOK(t)
		return plus(t, f.roughly(wallet("treasury")), f.roughly(f.victim))
	})
	require.True(t, flawed.IsZero(), "convicted, and nothing to pay with")
	require.Equal(t, ton(50), ours)
}

func TestFlaw_H12_DispatcherClosesAloneForWhatItLikes(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H12", func(t *testing.T, d design) cocoon.Nano {
		c := fundedChannel(t)
		d.in(c.world)
		tr := post(c, wallet("dispatcher"), ton(1), c.promise(ton(9)))
		if d.stops(tr, errWrongSender) {
			return cocoon.Nano{}
		}
		return tr.settled(t)
	})
	require.Equal(t, ton(9), flawed, "of a client that signed nothing")
	require.True(t, ours.IsZero())
}

// H13 is a payee, not a rule: a job pays the dispatcher whom its offer names. The
// first design named the rewards contract, whose owner cannot have it back.
func TestFlaw_H13_ShareSentToRewardsIsPot(t *testing.T) {
	t.Parallel()
	earn := func(payee func(*rewardsStory) cocoon.Account) (dispatchers, pots cocoon.Nano) {
		r := withTerms(t)
		offer := offerIn(t, r.world, wallet("registry"))
		offer.Dispatcher = payee(r)
		s := shellIn(t, r.world, offer)
		before := r.pot()
		request(s, offer.Client, s.escrow(), wrappers.OpenJob{}).requireOK(t)
		request(s, s.provider, ton(3), s.accept(ton(2))).requireOK(t)
		request(s, wallet("relay"), ton(1), s.deliver(s.delivery(ton(10)))).requireOK(t)
		request(s, offer.Client, ton(1), wrappers.Approve{})
		require.Equal(t, wrappers.JobClosed, s.state().Phase)
		try(r, r.owner, ton(1), wrappers.Withdraw{}).requireExit(t, errNotEnoughFree)
		return r.balance(wallet("dispatcher")), minus(t, r.pot(), before)
	}
	share := cocoon.NanoOf(599_000_000)
	mine, pots := earn(func(r *rewardsStory) cocoon.Account { return r.rewards })
	require.True(t, mine.IsZero())
	require.Equal(t, 1, pots.Cmp(minus(t, share, cocoon.NanoOf(10_000_000))), "but for the gas of refusing it")
	mine, pots = earn(func(*rewardsStory) cocoon.Account { return wallet("dispatcher") })
	require.Equal(t, share, mine)
	require.True(t, pots.IsZero())
}

func TestFlaw_H14_ProviderOfAnotherVersionIsLeftOut(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H14", func(t *testing.T, d design) wrappers.JobPhase {
		p := workingProvider(t)
		d.in(p.world)
		s := p.hire(offerKey) // its terms list another code, then the provider's
		accept := p.take(s, ton(5)).step(t, opAccept)
		require.Equal(t, d.flawed, accept.exit == errWrongSender)
		return s.state().Phase
	})
	require.Equal(t, wrappers.JobOpen, flawed)
	require.Equal(t, wrappers.JobAccepted, ours)
}

func TestFlaw_H15_ReserveThatRentHasEatenLocksTheStake(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "H15", func(t *testing.T, d design) cocoon.Nano {
		p := stakedProvider(t, 100)
		d.in(p.world)
		p.unstake(ton(100)).requireOK(t)
		p.advance(365 * 24 * time.Hour)
		tr := p.withdraw(cocoon.Nano{})
		if d.flawed {
			tr.requireExit(t, errNotEnoughFree)
		}
		return tr.payouts(t, p.owner)
	})
	require.True(t, flawed.IsZero())
	require.Equal(t, 1, ours.Cmp(cocoon.NanoOf(99_900_000_000)), "all but what the rent took")
}
