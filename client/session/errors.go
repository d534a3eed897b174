package session

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// failures says what an application is told about a dispatcher's refusal, and what
// its owner may do.
var failures = map[stream.Code]struct {
	code api.Code
	kind cocoon.Kind
	hint string
}{
	stream.NoCapacity:    {api.CodeNoCapacity, cocoon.Unreachable, "ask again later, offer more (--max-price), or let another dispatcher stand by (--dispatcher)"},
	stream.Busy:          {api.CodeNoCapacity, cocoon.Unreachable, "ask again later"},
	stream.NeedCover:     {api.CodeVoucher, cocoon.NoMoney, "ask for less at a time, or let the channel hold more: coins in the wallet, --max-deposit, --daily"},
	stream.ChannelInUse:  {api.CodeConflict, cocoon.Conflict, "another daemon uses this channel: give each a folder of its own (--data)"},
	stream.ChannelClosed: {api.CodeVoucher, cocoon.NoMoney, "the dispatcher serves the channel no more: close it, and open another (cocoon client leave --forget)"},
	stream.BadRequest:    {api.CodeInvalid, cocoon.Invalid, ""},
	stream.LeaseGone:     {api.CodeUnavailable, cocoon.Unreachable, "ask again"},
	stream.WorkerLost:    {api.CodeWorkerLost, cocoon.Unreachable, "ask again"},
	stream.Lagging:       {api.CodeUnavailable, cocoon.Unreachable, "ask again later, or let another dispatcher stand by (--dispatcher)"},
	stream.Overdue:       {api.CodeTimeout, cocoon.Unreachable, ""},
	stream.WrongKey:      {api.CodeUnavailable, cocoon.Unreachable, "ask again"},
}

// failure is f as applications are told; errors.As finds the *stream.Fail.
func failure(f *stream.Fail) error {
	known := failures[f.Code]
	err := known.kind.Errorf("the dispatcher refuses: %w", f)
	if known.hint != "" {
		err = cocoon.WithHint(err, "%s", known.hint)
	}
	return &api.Error{Code: known.code, RetryAfter: time.Duration(f.Wait) * time.Millisecond, Err: err}
}

// untrusted is what an application is told where workers are on offer, of whom
// none may see its prompt, as why says of one.
func untrusted(n int, why error) error {
	return &api.Error{Code: api.CodeNoCapacity, Err: cocoon.WithHint(cocoon.Unreachable.Errorf("none of %d workers on offer may be trusted: %w", n, why), "%s", cocoon.HintOf(why))}
}

// lost is the end of an answer that had begun.
func lost(format string, args ...any) error {
	return &api.Error{Code: api.CodeWorkerLost, Err: cocoon.Unreachable.Errorf(format, args...)}
}
