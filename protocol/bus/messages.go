package bus

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// Offer asks a worker whether it would take a job. What the job pays and asks
// for, the worker reads on chain.
type Offer struct {
	Job         cocoon.Account `json:"job"`
	Node        string         `json:"node"`         // where to fetch the payload and leave the result
	ResultKey   []byte         `json:"result_key"`   // envelope key of the client; the chain has its hash
	PayloadSize uint32         `json:"payload_size"` // bytes
}

// Validate checks names and sizes.
func (o Offer) Validate() error {
	if len(o.ResultKey) != envelope.PublicKeySize {
		return cocoon.Invalid.Errorf("result key has %d bytes", len(o.ResultKey))
	}
	if o.PayloadSize == 0 || int(o.PayloadSize) > envelope.MaxBlob {
		return cocoon.Invalid.Errorf("payload of %d bytes; a blob has 1 to %d", o.PayloadSize, envelope.MaxBlob)
	}
	return ValidateNode(o.Node)
}

// Grant is the client's answer to an intent: the key of the payload for that
// run of the worker, and the offer key's pass where the job asks for one.
type Grant struct {
	Job  cocoon.Account `json:"job"`
	Wrap []byte         `json:"wrap"`           // envelope.Grant
	Pass *Signature     `json:"pass,omitempty"` // of a pass_for naming the provider
}

// Validate checks sizes.
func (g Grant) Validate() error {
	if len(g.Wrap) != envelope.WrapSize {
		return cocoon.Invalid.Errorf("grant has %d bytes", len(g.Wrap))
	}
	return nil
}

// Accept is a worker's answer to a grant: the operator's signed order to bind
// the provider to the job. Anyone may relay it.
type Accept struct {
	Job       cocoon.Account `json:"job"`
	Order     Cell           `json:"order"` // accept_job_order
	Signature Signature      `json:"signature"`
}

// Validate checks that there is an order.
func (a Accept) Validate() error { return needCell(a.Order) }

// Deliver asks the dispatcher to relay a delivery whose result it has stored.
// Asking again changes nothing.
type Deliver struct {
	Job       cocoon.Account `json:"job"`
	Delivery  Cell           `json:"delivery"`
	Signature Signature      `json:"signature"` // of the worker
}

// Validate checks that there is a delivery.
func (d Deliver) Validate() error { return needCell(d.Delivery) }

func needCell(c Cell) error {
	if c.Cell == nil {
		return cocoon.Invalid.Errorf("message lacks its cell")
	}
	return nil
}

// Ack says that a request was carried out or will be.
type Ack struct{}

// Validate has nothing to check.
func (Ack) Validate() error { return nil }

// maxModels is what a worker's record on chain holds.
const maxModels = 8

// Heartbeat says that a worker is up, every few seconds. The counters run from
// its start and are its own word.
type Heartbeat struct {
	Provider    cocoon.Account   `json:"provider"`
	Boot        Boot             `json:"boot"`
	Models      []cocoon.ModelID `json:"models"`
	Concurrency uint16           `json:"concurrency"` // jobs and requests at a time
	Jobs        uint16           `json:"jobs"`        // held now
	Ready       bool             `json:"ready"`       // its engine answers
	Requests    uint64           `json:"requests"`    // answered by the engine
	Failures    uint64           `json:"failures"`    // requests that failed
	Tokens      uint64           `json:"tokens"`
	P50         uint32           `json:"p50_ms"` // median time of the last requests

	Key     uint32 `json:"key_id"`      // newest to encrypt interactive requests to; 0 where it takes none
	Slots   uint16 `json:"slots"`       // requests that its engines have at a time
	Busy    uint16 `json:"busy"`        // of these, now
	Waiting uint16 `json:"waiting"`     // interactive requests taken that have no token yet
	Prefill uint32 `json:"prefill_tps"` // tokens of prompts a second, measured of late; 0 before
	Decode  uint32 `json:"decode_tps"`  // tokens of one answer a second, likewise
}

// Validate checks counts.
func (h Heartbeat) Validate() error {
	if h.Concurrency == 0 || len(h.Models) > maxModels {
		return cocoon.Invalid.Errorf("heartbeat with concurrency %d and %d models", h.Concurrency, len(h.Models))
	}
	return nil
}
