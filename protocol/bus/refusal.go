package bus

import (
	"errors"
	"fmt"

	"github.com/cocoon-network/cocoon"
)

// Code is why a request was refused, for programs.
type Code string

// The reasons for a refusal, and what the other side can do about it.
const (
	Busy      Code = "busy"       // later, or another worker
	WrongJob  Code = "wrong_job"  // the job's state or terms do not allow it
	WrongWork Code = "wrong_work" // this worker does not serve it: model, price, budget
	WrongKey  Code = "wrong_key"  // payload, grant or signature does not fit
	Malformed Code = "malformed"  // the message itself
	Failed    Code = "failed"     // a fault on the refusing side; may be tried again
)

// Refusal is an answer that says no. It is an error.
type Refusal struct {
	Code   Code   `json:"code"`
	Reason string `json:"reason"` // for people, at most 500 bytes
}

const maxReason = 500

// Refuse is the refusal that tells of err: its own, where err holds one, else
// code and err's text.
func Refuse(code Code, err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	reason := err.Error()
	return &Refusal{code, reason[:min(len(reason), maxReason)]}
}

// Refusef makes a refusal.
func Refusef(code Code, format string, args ...any) *Refusal {
	return Refuse(code, fmt.Errorf(format, args...))
}

func (r *Refusal) Error() string { return fmt.Sprintf("refused (%s): %s", r.Code, r.Reason) }

// Validate checks the code and the reason's length.
func (r *Refusal) Validate() error {
	switch r.Code {
	case Busy, WrongJob, WrongWork, WrongKey, Malformed, Failed:
	default:
		return cocoon.Invalid.Errorf("refusal has no known code")
	}
	if len(r.Reason) > maxReason {
		return cocoon.Invalid.Errorf("refusal has a reason of %d bytes", len(r.Reason))
	}
	return nil
}

// Encode writes the refusal as an answer.
func (r *Refusal) Encode() ([]byte, error) { return encode(frame{Version: Version, Refused: r}) }

// CodeOf is the code of the refusal in err's chain, "" where there is none.
func CodeOf(err error) Code {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
