package indexer

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// acceptMessage is an Accept whose pass may be anything, as where the offer asks for none.
type acceptMessage struct {
	_        tlb.Magic      `tlb:"#177e34b4"`
	QueryID  uint64         `tlb:"## 64"`
	Bond     wrappers.Coins `tlb:"."`
	Code     uint8          `tlb:"## 2"`
	Owner    cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 32"`
	Worker   [32]byte       `tlb:"bits 256"`
	Response cocoon.Account `tlb:"bits 256"`
	Pass     *cell.Cell     `tlb:"maybe ^"`
}

func (j *jobRecord) apply(o *occurrence) error {
	switch o.Name {
	case "open_job":
		j.Phase, j.Until, j.OpenedAt = wrappers.JobOpen, j.AcceptBy, o.Time
	case "accept":
		m, err := message[acceptMessage](o)
		if err != nil {
			return err
		}
		j.Phase, j.Until, j.Bound = wrappers.JobAccepted, o.Time+j.Work, &jobBound{o.From, m.Worker, m.Bond.Nano}
	case "deliver":
		m, err := message[wrappers.Deliver](o)
		if err != nil {
			return err
		}
		d, err := order[wrappers.Delivery](m.Delivery)
		if err != nil {
			return err
		}
		j.Phase, j.Until, j.Result = wrappers.JobDelivered, o.Time+j.Review, resultOf(d)
	case "dispute":
		if j.Arbiter.IsZero() {
			return j.close(o)
		}
		j.Phase, j.Until = wrappers.JobDisputed, o.Time+j.Arbitration
	case "cancel", "expire", "approve", "rule", "finish":
		return j.close(o)
	default:
		return fmt.Errorf("%w: a job that takes %s", errUnread, o.Name)
	}
	return nil
}

// close ends the job, or sweeps what came to it since. The client's part is the last message sent.
func (j *jobRecord) close(o *occurrence) (err error) {
	switch j.Phase {
	case wrappers.JobDelivered, wrappers.JobDisputed:
		err = j.pay(o)
	case wrappers.JobAccepted:
		j.Ended = market.Slashed
		if j.Bound != nil {
			j.Paid.Awarded = j.Bound.Bond
		}
	case wrappers.JobInert, wrappers.JobOpen:
		j.Ended = market.Refunded
	}
	j.Phase = wrappers.JobClosed
	if err != nil || len(o.Out) == 0 {
		return err
	}
	return increase(&j.ToClient, o.Out[len(o.Out)-1].Value)
}

// pay says what the end of a delivered or disputed job came to.
func (j *jobRecord) pay(o *occurrence) error {
	if j.Bound == nil || j.Result == nil {
		return fmt.Errorf("%w: %s of a job that was not delivered", errUnread, o.Name)
	}
	j.Ended = market.Ruled
	if j.Phase == wrappers.JobDelivered && o.Name != "dispute" {
		j.Ended = market.Paid
	}
	v, err := j.verdict(o)
	if err != nil {
		return err
	}
	j.Paid = jobPaid{v.Paid, v.Provider, v.Arbiter, v.Awarded}
	return nil
}

func (j *jobRecord) verdict(o *occurrence) (wrappers.JobVerdict, error) {
	offer, amount, bond := j.offer(), j.Result.Amount, j.Bound.Bond
	switch {
	case j.Ended == market.Paid:
		pay, err := offer.Divide(amount)
		return wrappers.JobVerdict{JobPay: pay, Paid: amount, Bond: bond}, err
	case o.Name == "rule":
		m, err := message[wrappers.Rule](o)
		if err != nil {
			return wrappers.JobVerdict{}, err
		}
		return offer.Rule(amount, bond, m)
	}
	return offer.Default(amount, bond)
}

// offer is as much of the job's offer as money is divided by.
func (j *jobRecord) offer() wrappers.JobOffer {
	return wrappers.JobOffer{DispatcherBps: j.DispatcherBps, Terms: &wrappers.JobTerms{NetworkBps: j.NetworkBps},
		Money: &wrappers.JobMoney{Deposit: wrappers.Coins{Nano: j.Deposit}, DefaultBps: j.DefaultBps}}
}
