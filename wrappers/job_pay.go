package wrappers

import "github.com/cocoon-network/cocoon"

const (
	allBps     = 10_000
	winningBps = 5_000 // of the amount, from which on a ruling is the provider's
)

// JobPay is how what is paid of a delivered amount is divided. The provider gets
// what it keeps of its bond with its part.
type JobPay struct{ Network, Dispatcher, Provider cocoon.Nano }

// Divide divides amount as the contract does: shares are rounded down and the
// rest is the provider's, so that the three are amount. Shares of more than
// all of it are cocoon.ErrOverflow.
func (o JobOffer) Divide(amount cocoon.Nano) (p JobPay, err error) {
	if p.Network, err = amount.MulDiv(uint64(o.Terms.NetworkBps), allBps); err != nil {
		return JobPay{}, err
	}
	if p.Dispatcher, err = amount.MulDiv(uint64(o.DispatcherBps), allBps); err != nil {
		return JobPay{}, err
	}
	if p.Provider, err = amount.Sub(p.Network); err == nil {
		p.Provider, err = p.Provider.Sub(p.Dispatcher)
	}
	return p, err
}

// JobVerdict is what becomes of a disputed job's amount, bond and deposit: what
// is not named here goes to the client, part of the bond and the deposit included.
type JobVerdict struct {
	JobPay
	Paid    cocoon.Nano // of the amount: the three of JobPay together
	Arbiter cocoon.Nano // the deposit where somebody ruled; the client's, or out of the bond
	Bond    cocoon.Nano // that goes back to the provider, with its part
	Awarded cocoon.Nano // of the bond, to the client
}

// Default is the verdict where nobody rules: DefaultBps of amount, rounded down.
func (o JobOffer) Default(amount, bond cocoon.Nano) (JobVerdict, error) {
	return o.verdict(amount, o.Money.DefaultBps, JobVerdict{Bond: bond})
}

// Rule is the verdict of an arbiter. A deposit above the bond, or more than
// 10,000 bps, is cocoon.ErrOverflow: the contract lets neither happen.
func (o JobOffer) Rule(amount, bond cocoon.Nano, r Rule) (JobVerdict, error) {
	if r.BondBps > allBps {
		return JobVerdict{}, cocoon.ErrOverflow
	}
	v := JobVerdict{Arbiter: o.Money.Deposit.Nano}
	var err error
	if r.PayBps < winningBps {
		if bond, err = bond.Sub(v.Arbiter); err != nil {
			return JobVerdict{}, err
		}
	}
	if v.Awarded, err = bond.MulDiv(uint64(r.BondBps), allBps); err != nil {
		return JobVerdict{}, err
	}
	if v.Bond, err = bond.Sub(v.Awarded); err != nil {
		return JobVerdict{}, err
	}
	return o.verdict(amount, r.PayBps, v)
}

// verdict completes v with bps of amount, which may not be more than all of it.
func (o JobOffer) verdict(amount cocoon.Nano, bps uint16, v JobVerdict) (JobVerdict, error) {
	if bps > allBps {
		return JobVerdict{}, cocoon.ErrOverflow
	}
	var err error
	if v.Paid, err = amount.MulDiv(uint64(bps), allBps); err != nil {
		return JobVerdict{}, err
	}
	if v.JobPay, err = o.Divide(v.Paid); err != nil {
		return JobVerdict{}, err
	}
	return v, nil
}
