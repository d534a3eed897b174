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
	case "cancel", "expire", "approve", "finish":
		return j.close(o)
	default:
		return fmt.Errorf("%w: a job that takes %s", errUnread, o.Name)
	}
	return nil
}

// close ends the job, or sweeps what came to it since. The client's part is the last message sent.
func (j *jobRecord) close(o *occurrence) error {
	switch j.Phase {
	case wrappers.JobDelivered:
		j.Ended = market.Paid
	case wrappers.JobAccepted:
		j.Ended = market.Slashed
	case wrappers.JobInert, wrappers.JobOpen:
		j.Ended = market.Refunded
	}
	j.Phase = wrappers.JobClosed
	if len(o.Out) == 0 {
		return nil
	}
	return increase(&j.ToClient, o.Out[len(o.Out)-1].Value)
}
