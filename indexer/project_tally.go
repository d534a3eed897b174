package indexer

import (
	"errors"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// tally is what one event came to, as rollups count it.
type tally struct {
	flows market.Flows
	model string // that the event's contract names, "" for none

	stake, bond              moved
	providers, workers, gpus int
}

// moved is an amount before and after an event.
type moved struct{ before, after cocoon.Nano }

// move is nothing where nothing changed.
func move(before, after cocoon.Nano) moved {
	if before == after {
		return moved{}
	}
	return moved{before, after}
}

func (m moved) apply(level *cocoon.Nano) error {
	return errors.Join(increase(level, m.after), decrease(level, m.before))
}

// add adds the flows of an event to those of a period.
func (t *tally) add(to *market.Flows) error {
	f := t.flows
	to.JobsOpened += f.JobsOpened
	to.JobsAccepted += f.JobsAccepted
	to.JobsDelivered += f.JobsDelivered
	to.JobsPaid += f.JobsPaid
	to.JobsRuled += f.JobsRuled
	to.JobsRefunded += f.JobsRefunded
	to.JobsSlashed += f.JobsSlashed
	to.ChannelsOpened += f.ChannelsOpened
	return errors.Join(increase(&to.Escrowed, f.Escrowed), increase(&to.Paid, f.Paid), increase(&to.Settled, f.Settled), increase(&to.Payouts, f.Payouts))
}

// raise moves the levels.
func (t *tally) raise(l *market.Levels) error {
	l.Providers += uint64(t.providers)
	l.Workers += uint64(t.workers)
	l.GPUs += uint64(t.gpus)
	return errors.Join(t.stake.apply(&l.Stake), t.bond.apply(&l.Bonds))
}

// compare notes how an event changed the state of a contract.
func (t *tally) compare(before, after any) (err error) {
	switch b := before.(type) {
	case providerState:
		t.provider(b, after.(providerState))
	case rewardsState:
		t.bond = move(b.Bond, after.(rewardsState).Bond)
	case epochState:
		t.flows.Payouts, err = after.(epochState).Paid.Sub(b.Paid)
	case channelRecord:
		t.flows.Settled, err = after.(channelRecord).Settled.Sub(b.Settled)
	case jobRecord:
		err = t.job(b, after.(jobRecord))
	}
	return err
}

// provider takes one with GPUs for active: no record is without.
func (t *tally) provider(before, after providerState) {
	t.stake = move(before.Stake, after.Stake)
	t.gpus = int(after.GPUs) - int(before.GPUs)
	switch {
	case before.GPUs == 0 && after.GPUs > 0:
		t.providers = 1
	case before.GPUs > 0 && after.GPUs == 0:
		t.providers = -1
	}
}

func (t *tally) job(before, after jobRecord) (err error) {
	status := after.status()
	if status == before.status() {
		return nil
	}
	t.model = string(after.Model[:])
	f := &t.flows
	switch status {
	case market.Open:
		f.JobsOpened, f.Escrowed = 1, after.Budget
	case market.Accepted:
		f.JobsAccepted = 1
	case market.Delivered:
		f.JobsDelivered = 1
	case market.Paid:
		f.JobsPaid = 1
	case market.Ruled:
		f.JobsRuled = 1
	case market.Refunded:
		f.JobsRefunded = 1
	case market.Slashed:
		f.JobsSlashed = 1
	case market.Disputed: // it is counted when it is ruled on
	}
	f.Paid, err = after.Paid.Amount.Sub(before.Paid.Amount)
	return err
}
