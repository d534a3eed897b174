package wrappers

import (
	"bytes"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// JobPhase is what a job waits for.
type JobPhase uint8

// The phases.
const (
	JobInert     JobPhase = 0 // born, not opened
	JobOpen      JobPhase = 1
	JobAccepted  JobPhase = 2
	JobDelivered JobPhase = 3
	JobDisputed  JobPhase = 4
	JobClosed    JobPhase = 5 // for ever
)

// String is the phase in our words.
func (p JobPhase) String() string {
	switch p {
	case JobInert:
		return "inert"
	case JobOpen:
		return "open"
	case JobAccepted:
		return "accepted"
	case JobDelivered:
		return "delivered"
	case JobDisputed:
		return "disputed"
	case JobClosed:
		return "closed"
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// Job is the state of a job contract. It is to be believed only where the
// contract's account is Offer.Account.
type Job struct {
	Offer  JobOffer
	Phase  JobPhase
	Until  uint32    // unix seconds, the end of the phase; once closed, of the one before
	Bound  *Bound    // nil until a provider accepts; kept when closed
	Result *Delivery // nil until the worker delivers; kept when closed
}

// Bound is who does the work, and what it stands for.
type Bound struct {
	Provider cocoon.Account `tlb:"bits 256"`
	Worker   [32]byte       `tlb:"bits 256"`
	Bond     Coins          `tlb:"."`
}

type jobData struct {
	Phase  uint8      `tlb:"## 3"`
	Until  uint32     `tlb:"## 32"`
	Offer  *cell.Cell `tlb:"^"`
	Bound  *cell.Cell `tlb:"maybe ^"`
	Result *cell.Cell `tlb:"maybe ^"`
}

// DecodeJob reads a job's storage, birth data included, to the end of every cell.
func DecodeJob(data *cell.Cell) (j Job, err error) {
	s, err := Decode[jobData](data)
	if err != nil {
		return Job{}, err
	}
	j.Phase, j.Until = JobPhase(s.Phase), s.Until
	if j.Phase > JobClosed {
		return Job{}, cocoon.Invalid.Errorf("decode job: no phase %d", s.Phase)
	}
	if j.Offer, err = decodeOffer(s.Offer); err != nil {
		return Job{}, err
	}
	if j.Bound, err = decodeMaybe[Bound](s.Bound); err != nil {
		return Job{}, err
	}
	j.Result, err = decodeMaybe[Delivery](s.Result)
	return j, err
}

// decodeOffer wants an offer as we write it: Offer.Account must come out as the
// address that the cell gave rise to.
func decodeOffer(c *cell.Cell) (JobOffer, error) {
	o, err := Decode[JobOffer](c)
	if err != nil {
		return JobOffer{}, err
	}
	again, err := Cell(o)
	if err != nil {
		return JobOffer{}, err
	}
	if !bytes.Equal(again.Hash(), c.Hash()) {
		return JobOffer{}, cocoon.Invalid.Errorf("decode an offer: not written as the schema says")
	}
	return o, nil
}

func decodeMaybe[T any](c *cell.Cell) (*T, error) {
	if c == nil {
		return nil, nil
	}
	v, err := Decode[T](c)
	return &v, err
}
