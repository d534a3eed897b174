package cocoon

import (
	"errors"
	"fmt"
)

// Kind classes an error by what the one who sees it can do about it. Exit
// codes and HTTP statuses are derived from it, in one table each.
type Kind int

// The kinds.
const (
	Internal    Kind = iota // a fault of ours; nothing the caller did
	Invalid                 // the input is wrong; repeating it will not help
	NotFound                // no such thing
	Forbidden               // not with this key
	Conflict                // the state does not allow it now
	NoMoney                 // a balance or a budget is too small
	Unreachable             // the other side does not answer
)

// ExitCode is the exit code of a command that failed with an error of this kind.
func (k Kind) ExitCode() int {
	switch k {
	case Invalid:
		return 2
	case NoMoney:
		return 3
	case Unreachable:
		return 4
	}
	return 1
}

// HTTPStatus is the status of a response to a request that failed with an error of this kind.
func (k Kind) HTTPStatus() int {
	switch k {
	case Invalid:
		return 400
	case NoMoney:
		return 402
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case Unreachable:
		return 503
	}
	return 500
}

// Error is an error with a kind and, where one is known, the next step to try.
type Error struct {
	Kind Kind
	Hint string // what to do next, without a full stop; may be empty
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of kind k; %w wraps as in fmt.Errorf.
func (k Kind) Errorf(format string, args ...any) error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// WithHint adds the next step to err, keeping its kind.
func WithHint(err error, format string, args ...any) error {
	return &Error{Kind: KindOf(err), Hint: fmt.Sprintf(format, args...), Err: err}
}

// KindOf is the kind of the outermost Error in err's chain, Internal where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// HintOf is the first hint in err's chain, or "".
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
