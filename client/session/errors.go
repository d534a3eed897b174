package session

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// failures says what an application is told about a dispatcher's refusal.
var failures = map[stream.Code]struct {
	code api.Code
	kind cocoon.Kind
}{
	stream.NoCapacity:    {api.CodeNoCapacity, cocoon.Unreachable},
	stream.Busy:          {api.CodeNoCapacity, cocoon.Unreachable},
	stream.NeedCover:     {api.CodeVoucher, cocoon.NoMoney},
	stream.ChannelInUse:  {api.CodeConflict, cocoon.Conflict},
	stream.ChannelClosed: {api.CodeVoucher, cocoon.NoMoney},
	stream.BadRequest:    {api.CodeInvalid, cocoon.Invalid},
	stream.LeaseGone:     {api.CodeUnavailable, cocoon.Unreachable},
	stream.WorkerLost:    {api.CodeWorkerLost, cocoon.Unreachable},
	stream.Lagging:       {api.CodeUnavailable, cocoon.Unreachable},
	stream.Overdue:       {api.CodeTimeout, cocoon.Unreachable},
	stream.WrongKey:      {api.CodeUnavailable, cocoon.Unreachable},
}

// failure is f as applications are told; errors.As finds the *stream.Fail.
func failure(f *stream.Fail) error {
	known := failures[f.Code]
	return &api.Error{Code: known.code, RetryAfter: time.Duration(f.Wait) * time.Millisecond, Err: known.kind.Errorf("the dispatcher refuses: %w", f)}
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
