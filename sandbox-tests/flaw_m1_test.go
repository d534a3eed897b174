package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFlaw_M1_SniperTakesAJobItHasNoPayloadFor(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M1", func(t *testing.T, d design) bool {
		s := openJob(t, offerKey)
		d.in(s.world)
		sniper := wrappers.ProviderBirth{Registry: s.birth.Registry, Owner: wallet("sniper"), Index: 1}
		account, err := sniper.Account()
		require.NoError(t, err)
		snipe := s.accept(ton(1))
		snipe.Owner, snipe.Index, snipe.Pass = sniper.Owner, sniper.Index, s.passBy("offer", asItIs) // of another
		d.stops(request(s, account, ton(2), snipe), errWrongSignature)
		chosen := s.accept(ton(1))
		chosen.Pass = s.passBy("offer", asItIs)
		tr := request(s, s.provider, ton(2), chosen)
		require.Equal(t, d.flawed, tr.steps[0].exit == errWrongPhase)
		return s.state().Bound.Provider == s.provider
	})
	require.False(t, flawed, "the job waits for who never had its payload")
	require.True(t, ours)
}

func TestFlaw_M2_AnyoneBringsOldPricesBack(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M2", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		cheap := p.put(p.order("worker", p.recordCell(pricedAt(ton(1)))), "operator")
		ask(p, wallet("relay"), ton(1), cheap).requireOK(t)
		p.putWorker("worker", pricedAt(ton(4))).requireOK(t)
		d.stops(ask(p, wallet("stranger"), ton(1), cheap), errStaleRevision)
		record, err := wrappers.DecodeWorkerRecord(p.state().Workers[0].Record)
		require.NoError(t, err)
		return record.Models[0].Price.Prompt
	})
	require.Equal(t, ton(1), flawed)
	require.Equal(t, ton(4), ours)
}

func pricedAt(price cocoon.Nano) wrappers.WorkerRecord {
	r := workerRecordOf(1)
	r.Models[0].Price.Prompt = price
	return r
}

func TestFlaw_M3_WholeBudgetIsTooMuchAfterADeliveryFromOutside(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M3", func(t *testing.T, d design) cocoon.Nano {
		w := newWorld(t)
		s := shellWith(t, w, offerIn(t, w, wallet("registry")), cocoon.NanoOf(100_000)) // for the gas of being born
		d.in(w)
		request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{}).requireOK(t)
		request(s, s.provider, plus(t, ton(2), s.fees().Accept), s.accept(ton(2))).requireOK(t)
		s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(10))))).requireOK(t)
		tr := request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{})
		require.Equal(t, d.flawed, tr.steps[0].action == notEnoughMoney)
		return tr.paidTo(t, s.provider)
	})
	require.True(t, flawed.IsZero())
	require.Equal(t, plus(t, ton(2), cocoon.NanoOf(9_301_000_000)), ours, "the bond, and the amount less both shares")
}

// notEnoughMoney is the result code of an action phase that sends more than there is.
const notEnoughMoney = 37

func TestFlaw_M4_JunkFromOutsideBurnsTheEscrow(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M4", func(t *testing.T, d design) cocoon.Nano {
		s := acceptedJob(t) // which owes the budget of 10 TON and the bond of 2
		d.in(s.world)
		junk := body(t, s.deliverSignedBy("stranger", s.delivery(ton(1))))
		for range 200 {
			require.Equal(t, d.flawed, len(s.sendExternal(s.job, junk).steps) > 0)
		}
		return s.balance(s.job)
	})
	require.Equal(t, -1, flawed.Cmp(ton(12)), "by messages that cost nothing")
	require.Equal(t, 1, ours.Cmp(ton(12)))
}

func TestFlaw_M5_EscrowPaysTheFeesOfWhoSettles(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M5", func(t *testing.T, d design) cocoon.Nano {
		c := fundedChannel(t)
		d.in(c.world)
		gas := post(c, wallet("relay"), c.fees().Settle, c.voucher(cocoon.NanoOf(1))).requireOK(t).steps[0].gas
		short := c.gasFee(gas + 300) // what the gas takes of the fee, and hardly more
		held, settled := c.balance(c.channel), cocoon.Nano{}
		for i := range uint64(50) {
			tr := post(c, wallet("relay"), short, c.voucher(cocoon.NanoOf(1000*(i+1))))
			if !d.stops(tr, errNotEnoughValue) {
				settled = plus(t, settled, tr.settled(t))
			}
		}
		return minus(t, minus(t, held, c.balance(c.channel)), settled)
	})
	require.Equal(t, 1, flawed.Cmp(cocoon.NanoOf(5_000_000)), "what the client never signed away")
	require.True(t, ours.IsZero())
}

func TestFlaw_M6_VoucherAboveTheDepositLosesTheDifference(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M6", func(t *testing.T, d design) cocoon.Nano {
		c := fundedChannel(t)
		d.in(c.world)
		earned := c.voucher(ton(15))
		first := post(c, wallet("relay"), ton(1), earned).requireOK(t).settled(t)
		c.topUp(ton(10))
		tr := post(c, wallet("relay"), ton(1), earned)
		if d.flawed {
			tr.requireExit(t, errWrongAmount)
			return first
		}
		return plus(t, first, tr.requireOK(t).settled(t))
	})
	require.Equal(t, -1, flawed.Cmp(ton(10)), "of 15 TON that were signed and are there")
	require.Equal(t, ton(15), ours)
}

func TestFlaw_M7_RotatingTwiceDropsTheFirstKeysVouchers(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M7", func(t *testing.T, d design) cocoon.Nano {
		c := fundedChannel(t)
		d.in(c.world)
		earned := c.voucher(ton(5))
		post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t)
		d.stops(post(c, c.birth.Client, ton(1), c.rotateTo("third")), errTooEarly)
		tr := post(c, wallet("relay"), ton(1), earned)
		if d.flawed {
			tr.requireExit(t, errWrongSignature)
			return cocoon.Nano{}
		}
		return tr.settled(t)
	})
	require.True(t, flawed.IsZero(), "of 5 TON of service")
	require.Equal(t, ton(5), ours)
}

func TestFlaw_M8_SettlementThatBouncesIsSettledAndUnpaid(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "M8", func(t *testing.T, d design) cocoon.Nano {
		r := unbornRewards(t)
		c := channelOf(r)
		d.in(r.world)
		earned := c.voucher(ton(3))
		post(c, wallet("relay"), ton(1), earned)
		post(c, wallet("relay"), ton(1), earned).requireExit(t, errWrongAmount)
		init, err := r.birth.Init()
		require.NoError(t, err)
		born := message(r, ton(3), wrappers.Bond{Amount: coins(ton(1)), Response: wallet("change")})
		born.Init = init
		r.send(r.owner, born).requireOK(t)
		return r.pot()
	})
	require.True(t, flawed.IsZero())
	require.NotEqual(t, -1, ours.Cmp(ton(3)))
}
