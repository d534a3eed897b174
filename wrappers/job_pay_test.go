package wrappers

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestJobOffer_DividesWithoutLosingANano(t *testing.T) {
	t.Parallel()
	o := someOffer()
	pay, err := o.Divide(cocoon.NanoOf(10_099))
	require.NoError(t, err)
	require.Equal(t, JobPay{Network: cocoon.NanoOf(100), Dispatcher: cocoon.NanoOf(504), Provider: cocoon.NanoOf(9_495)}, pay)
	pay, err = o.Divide(cocoon.NanoOf(1))
	require.NoError(t, err)
	require.Equal(t, JobPay{Provider: cocoon.NanoOf(1)}, pay)
	o.DispatcherBps = 65_535
	_, err = o.Divide(cocoon.TON(1))
	require.ErrorIs(t, err, cocoon.ErrOverflow)
}

// Amounts are in nanoTON; the deposit is 300 where it is not said otherwise.
func TestJobOffer_RulesAsTheContractDoes(t *testing.T) {
	t.Parallel()
	n := cocoon.NanoOf
	for name, c := range map[string]struct {
		rule Rule
		want JobVerdict
	}{
		"the client wins": {Rule{PayBps: 0, BondBps: 10_000}, JobVerdict{Arbiter: n(300), Awarded: n(701)}},
		"just below half": {Rule{PayBps: 4_999, BondBps: 3_333},
			JobVerdict{JobPay{n(49), n(249), n(4_700)}, n(4_998), n(300), n(468), n(233)}},
		"half is the provider's": {Rule{PayBps: 5_000, BondBps: 0},
			JobVerdict{JobPay{n(49), n(249), n(4_701)}, n(4_999), n(300), n(1_001), n(0)}},
		"the provider wins": {Rule{PayBps: 10_000, BondBps: 0},
			JobVerdict{JobPay{n(99), n(499), n(9_401)}, n(9_999), n(300), n(1_001), n(0)}},
		"paid, and the bond awarded": {Rule{PayBps: 10_000, BondBps: 10_000},
			JobVerdict{JobPay{n(99), n(499), n(9_401)}, n(9_999), n(300), n(0), n(1_001)}},
	} {
		o := someOffer()
		o.Money.Deposit = Coins{n(300)}
		got, err := o.Rule(n(9_999), n(1_001), c.rule)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestJobOffer_DefaultGivesTheBondBack(t *testing.T) {
	t.Parallel()
	o := someOffer()
	o.Money.DefaultBps = 3_333
	got, err := o.Default(cocoon.NanoOf(9_999), cocoon.NanoOf(1_001))
	require.NoError(t, err)
	require.Equal(t, JobVerdict{JobPay: JobPay{cocoon.NanoOf(33), cocoon.NanoOf(166), cocoon.NanoOf(3_133)}, Paid: cocoon.NanoOf(3_332), Bond: cocoon.NanoOf(1_001)}, got)
}

func TestJobOffer_RulesNothingThatNoJobCouldPay(t *testing.T) {
	t.Parallel()
	o, bond := someOffer(), cocoon.TON(2)
	for name, r := range map[string]Rule{"pay": {PayBps: 10_001}, "bond": {BondBps: 10_001}, "both": {PayBps: 65_535, BondBps: 65_535}} {
		_, err := o.Rule(cocoon.TON(7), bond, r)
		require.ErrorIs(t, err, cocoon.ErrOverflow, name)
	}
	_, err := o.Rule(cocoon.TON(7), cocoon.NanoOf(1), Rule{PayBps: 4_999})
	require.ErrorIs(t, err, cocoon.ErrOverflow, "a deposit above the bond")
	o.Money.DefaultBps = 10_001
	_, err = o.Default(cocoon.TON(7), bond)
	require.ErrorIs(t, err, cocoon.ErrOverflow)
}
