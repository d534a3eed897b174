package ledger

import (
	"time"

	"github.com/cocoon-network/cocoon"
)

// Attempt is who may sign for a request.
type Attempt struct {
	Number   uint8          `json:"number"`
	Provider cocoon.Account `json:"provider"`
	Worker   Key            `json:"worker"`
	Boot     ID             `json:"boot"`
	Price    cocoon.Price   `json:"price"`
}

// Assign says whose receipt counts for a request, before it is ordered there.
// The last one assigned is the only one: a candidate that failed earns nothing.
func (l *Ledger) Assign(id ID, a Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	rq := l.state.requests[id]
	switch {
	case rq == nil:
		return notOpen(id)
	case rq.Receipt != nil:
		return cocoon.Conflict.Errorf("assign request %x: it has its receipt", id)
	case !a.Price.Within(rq.Price):
		return cocoon.Invalid.Errorf("assign request %x: its worker is dearer than what was reserved", id)
	}
	_, err := l.do(&assigned{id, a})
	return err
}

// Release gives up a request without a receipt: nobody pays or is paid.
func (l *Ledger) Release(id ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	rq := l.state.requests[id]
	if rq == nil {
		return nil // it was given up, or answered
	}
	if rq.Receipt != nil {
		return cocoon.Conflict.Errorf("release request %x: it has its receipt", id)
	}
	_, err := l.do(&released{id})
	return err
}

// Unbilled is a request without a receipt.
type Unbilled struct {
	ID      ID
	Attempt *Attempt // whose receipt would count; nil where nobody was asked yet
}

// Pending lists the requests without a receipt that were admitted before a moment:
// what a restart left behind, to be billed or released.
func (l *Ledger) Pending(before time.Time) (all []Unbilled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, rq := range l.state.requests {
		if rq.Receipt == nil && rq.At < before.Unix() {
			all = append(all, Unbilled{id, rq.Attempt})
		}
	}
	return all
}
