package ledger

import (
	"errors"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// Why a request is not admitted. Errors wrap them with a kind.
var (
	ErrUnknown  = errors.New("no such channel pays this dispatcher") // NotFound
	ErrClosing  = errors.New("the channel is closing")               // Conflict
	ErrFenced   = errors.New("channel_in_use")                       // Conflict: a newer session has it
	ErrDisputed = errors.New("too much of the channel is disputed")  // Forbidden
	ErrUnpaid   = errors.New("agreed usage was not signed for")      // NoMoney
	ErrBusy     = errors.New("too much is open and not agreed")      // Unreachable: wait for an answer, or sign paid
	ErrLag      = errors.New("the index is behind the chain")        // Unreachable
	ErrStopped  = errors.New("more is owed than may be promised")    // Unreachable: settle and open an epoch
	ErrTwice    = errors.New("the request was admitted before")      // Conflict
	ErrRequest  = errors.New("no such request is open")              // NotFound
	ErrOpen     = errors.New("requests are open or unanswered")      // Conflict: answer them
)

func refused(kind cocoon.Kind, why error, what string, args ...any) error {
	return kind.Errorf("%s: %w", fmt.Sprintf(what, args...), why)
}

// NeedError asks for a voucher over Cover, or a top-up where that is above what
// is deposited. It is NoMoney.
type NeedError struct{ Cover, Deposited cocoon.Nano }

func (e *NeedError) Error() string {
	if e.TopUp() {
		return fmt.Sprintf("the request needs a channel with %s deposited, it has %s", e.Cover, e.Deposited)
	}
	return fmt.Sprintf("the request needs a voucher over %s", e.Cover)
}

// TopUp reports whether no voucher helps before there is a top-up.
func (e *NeedError) TopUp() bool { return e.Cover.Cmp(e.Deposited) > 0 }

func need(cover, deposited cocoon.Nano) error {
	e := &NeedError{cover, deposited}
	hint := "sign it"
	if e.TopUp() {
		hint = "top the channel up"
	}
	return cocoon.WithHint(cocoon.NoMoney.Errorf("%w", e), "%s", hint)
}

// EquivocationError is a worker's session that signed two receipts for one
// number. It is Forbidden; the evidence is kept as well.
type EquivocationError struct{ Evidence receipt.Equivocation }

func (e *EquivocationError) Error() string {
	return fmt.Sprintf("worker %x signed two receipts %d", e.Evidence.Worker[:4], e.Evidence.First.Number)
}
