package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/cocoon-network/cocoon"
)

// change is a record of the log: what was decided, so that it happens the same
// way whenever it is read again.
type change interface{ apply(s *state) }

// kinds are the changes by the byte that begins their record.
var kinds = map[byte]func() change{
	1: func() change { return new(greeted) }, 2: func() change { return new(covered) }, 3: func() change { return new(paid) },
	4: func() change { return new(admitted) }, 5: func() change { return new(extended) }, 6: func() change { return new(assigned) },
	7: func() change { return new(released) }, 8: func() change { return new(committed) }, 9: func() change { return new(answered) },
	10: func() change { return new(retired) }, 11: func() change { return new(numbered) }, 12: func() change { return new(promised) },
	13: func() change { return new(contradicted) },
}

func kindOf(c change) byte {
	switch c.(type) {
	case *greeted:
		return 1
	case *covered:
		return 2
	case *paid:
		return 3
	case *admitted:
		return 4
	case *extended:
		return 5
	case *assigned:
		return 6
	case *released:
		return 7
	case *committed:
		return 8
	case *answered:
		return 9
	case *retired:
		return 10
	case *numbered:
		return 11
	case *promised:
		return 12
	}
	return 13
}

func encodeChange(c change) ([]byte, error) {
	body, err := json.Marshal(c)
	return append([]byte{kindOf(c)}, body...), err
}

func decodeChange(b []byte) (change, error) {
	if len(b) == 0 || kinds[b[0]] == nil {
		return nil, cocoon.WithHint(cocoon.Conflict.Errorf("a record of an unknown kind"), "it was written by a newer cocoon: use that one")
	}
	c := kinds[b[0]]()
	if err := json.Unmarshal(b[1:], c); err != nil {
		return nil, fmt.Errorf("a record of kind %d: %w", b[0], err)
	}
	return c, nil
}

// greeted is a new session of a channel's client.
type greeted struct {
	Channel cocoon.Account `json:"channel"`
	Session uint64         `json:"session"`
}

// covered is a voucher over more than the ones before, or by another key.
type covered struct {
	Channel cocoon.Account `json:"channel"`
	Promise promise        `json:"promise"`
	At      int64          `json:"at"`
}

// paid is a voucher over agreed usage.
type paid covered

// admitted is a request that has its reserve.
type admitted request

// extended is a request with a larger reserve.
type extended struct {
	ID      ID          `json:"id"`
	Granted uint64      `json:"granted"`
	Reserve cocoon.Nano `json:"reserve_nano"`
}

// assigned says whose receipt a request waits for.
type assigned struct {
	ID      ID      `json:"id"`
	Attempt Attempt `json:"attempt"`
}

// released is a request that nobody will be paid for.
type released struct {
	ID ID `json:"id"`
}

// committed is a receipt.
type committed struct {
	boot
	Number      uint32      `json:"number"`
	Request     ID          `json:"request"`
	Raw         []byte      `json:"raw"`
	Certificate []byte      `json:"certificate"` // of a new boot, or a later one
	Until       int64       `json:"until"`       // when that ends
	Void        string      `json:"void"`        // why nobody pays it
	Ends        bool        `json:"ends"`        // the request with it, though it is void
	Cost        cocoon.Nano `json:"cost_nano"`
	Credit      cocoon.Nano `json:"credit_nano"` // to the provider, at once
	Trusted     bool        `json:"trusted"`
	At          int64       `json:"at"`
}

// answered is what client and dispatcher agree that a request cost.
type answered struct {
	ID     ID          `json:"id"`
	Cost   cocoon.Nano `json:"cost_nano"`
	Credit cocoon.Nano `json:"credit_nano"` // to the provider
	Loss   cocoon.Nano `json:"loss_nano"`   // ours, by a dispute
	At     int64       `json:"at"`
}

// retired is a channel that a close promise was made for.
type retired struct {
	Channel cocoon.Account `json:"channel"`
}

// numbered begins a number of epoch. Where the one before was not closed by
// Leaves, but opened by somebody else, what it promised nobody yet moves on.
type numbered struct {
	Number uint32 `json:"number"`
	Carry  bool   `json:"carry"`
}

// promised is an earned receipt that is about to be signed.
type promised struct {
	Number   uint32         `json:"number"`
	Provider cocoon.Account `json:"provider"`
	Earned   cocoon.Nano    `json:"earned_nano"` // in all of the number
	At       int64          `json:"at"`
}

// contradicted is a receipt that says otherwise than one before.
type contradicted struct {
	boot
	Number      uint32 `json:"number"`
	Certificate []byte `json:"certificate"`
	First       []byte `json:"first"`
	Second      []byte `json:"second"`
}
