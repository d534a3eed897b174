package ledger

import (
	"bytes"
	"slices"

	"github.com/cocoon-network/cocoon"
)

// Figures are the books at one moment, in nanoTON: what (1), (3) and (5) are about.
type Figures struct {
	Number   uint32           `json:"number"`        // that what is owed from now on belongs to
	Payable  cocoon.Nano      `json:"payable_nano"`  // owed to providers in numbers that are not open now
	Earned   cocoon.Nano      `json:"earned_nano"`   // of that, signed: L
	Limit    cocoon.Nano      `json:"limit_nano"`    // up to which more is signed now: below what L is once rent took of a pot
	Backing  cocoon.Nano      `json:"backing_nano"`  // pot and bond, by (5) no less than L
	Channels []ChannelFigures `json:"channels"`      // by account; closed ones until they are let go
	Claims   []ClaimFigures   `json:"claims"`        // of numbers that have not passed, by number and provider
	Disputes cocoon.Nano      `json:"disputed_nano"` // what disputes cost in all channels there ever were
}

// ChannelFigures are a channel's.
type ChannelFigures struct {
	Account   cocoon.Account `json:"account"`
	Deposited cocoon.Nano    `json:"deposited_nano"` // D
	Settled   cocoon.Nano    `json:"settled_nano"`   // S
	Cover     cocoon.Nano    `json:"cover_nano"`     // the newest that was verified
	Paid      cocoon.Nano    `json:"paid_nano"`
	Agreed    cocoon.Nano    `json:"agreed_nano"`     // U
	Reserved  cocoon.Nano    `json:"reserved_nano"`   // R, receipts that were not answered among it
	Waiting   cocoon.Nano    `json:"unanswered_nano"` // these receipts
	Disputed  cocoon.Nano    `json:"disputed_nano"`   // what disputes cost us
	Open      int            `json:"open"`            // requests without a receipt
	Answers   int            `json:"unanswered"`      // receipts
	Closed    bool           `json:"closed"`
}

// ClaimFigures are what a provider is owed in one number.
type ClaimFigures struct {
	Number   uint32         `json:"number"`
	Provider cocoon.Account `json:"provider"`
	Payable  cocoon.Nano    `json:"payable_nano"`
	Earned   cocoon.Nano    `json:"earned_nano"` // of that, signed
}

// Figures are the books now.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	f := Figures{Number: s.Number, Limit: s.limit(), Disputes: s.Disputed}
	f.Payable, f.Earned = s.unopened()
	if backing, err := s.Facts.Fees.Backing(s.Facts.Pot, s.Facts.Bond); err == nil { // else there is no such amount
		f.Backing = backing
	}
	for account, c := range s.channels {
		one := ChannelFigures{Account: account, Deposited: c.Facts.Deposited, Settled: c.Facts.Settled, Cover: c.Cover.Amount, Paid: c.Paid.Amount, Agreed: c.Agreed,
			Reserved: c.reserved, Waiting: c.unanswered, Disputed: c.Disputed, Answers: len(c.answerable(0)), Closed: c.Facts.Closed}
		one.Open = len(c.requests) - one.Answers
		f.Channels, f.Disputes = append(f.Channels, one), f.Disputes.Plus(c.Disputed)
	}
	for n, of := range s.numbers {
		for provider, c := range of.claims {
			f.Claims = append(f.Claims, ClaimFigures{n, provider, c.Payable, c.Earned})
		}
	}
	slices.SortFunc(f.Channels, func(a, b ChannelFigures) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	slices.SortFunc(f.Claims, func(a, b ClaimFigures) int {
		if a.Number != b.Number {
			return int(a.Number) - int(b.Number)
		}
		return bytes.Compare(a.Provider[:], b.Provider[:])
	})
	return f
}
