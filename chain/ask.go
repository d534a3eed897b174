package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// question is one thing that any liteserver may be asked.
type question struct {
	what    string
	timeout time.Duration // of one server
	part    part          // of the chain that it is about
	seqno   uint32        // of the masterchain block that it is about; 0 where every server knows
	waits   bool          // for what is to come: how long it takes says nothing of the server
	alone   bool          // one server at a time: an answer changes something
	once    bool          // each server at most once: a question changes something
}

// reply is what became of a question to one server.
type reply[T any] struct {
	from   *server
	value  T
	err    error
	failed bool // it went wrong, and may go well the next time
}

// retries is how often the only server there is is asked again at once.
const retries = 2

// ask puts query to the servers, the best first, until one answers it. One that
// takes longer than it usually does is not waited for alone. One that says what
// cannot be proven is never asked again. Where there is one server only, a failure
// of it is no more than a failure of one question: it is asked again.
func ask[T any](ctx context.Context, c *Client, q question, query func(context.Context, *ton.APIClient) (T, error)) (none T, err error) {
	order := c.order(q)
	under, cancel := context.WithCancel(ctx)
	defer cancel()
	replies := make(chan reply[T], len(order))
	failures := c.excluded()
	hedge := newHedge(c, q)
	defer hedge.stop()
	for next, open, left := 0, 0, retries; next < len(order) || open > 0; {
		if open == 0 || hedge.due {
			s := order[next]
			hedge.begin(s, len(order)-next-1)
			go func() { replies <- put(under, c, s, q, query) }()
			if next, open = next+1, open+1; hedge.due {
				continue
			}
		}
		select {
		case <-hedge.timer.C:
			hedge.ring()
		case <-ctx.Done():
			return none, stopped(ctx, q.what)
		case r := <-replies:
			if open--; r.err == nil {
				return r.value, nil
			}
			if ctx.Err() != nil {
				return none, stopped(ctx, q.what)
			}
			if r.failed && !q.once && len(order) == 1 && left > 0 {
				next, left = 0, left-1
				continue
			}
			failures = append(failures, fmt.Errorf("liteserver %s: %w", r.from.Addr, r.err))
		}
	}
	return none, gaveUp(q.what, failures)
}

// put asks one server, and judges it by what comes of that.
func put[T any](ctx context.Context, c *Client, s *server, q question, query func(context.Context, *ton.APIClient) (T, error)) reply[T] {
	r := reply[T]{from: s}
	began := time.Now()
	s.health.begin(q)
	answered, err := s.ask(ctx, q.timeout, func(ctx context.Context, api *ton.APIClient) (err error) {
		r.value, err = query(ctx, api)
		return err
	})
	r.err = err
	took := time.Since(began)
	switch {
	case err == nil:
		if named, ok := any(r.value).(*BlockID); ok {
			q.seqno = max(q.seqno, named.SeqNo)
		}
		s.health.good(q, took)
	case answered && !q.alone && isLie(err):
		c.opts.Logger.Warn("liteserver says what is not so and is not asked any more", "server", s.Addr, "what", q.what, "error", err)
		s.health.lied(q, fmt.Errorf("%s: %w", q.what, err))
	case ctx.Err() != nil:
		s.health.overtaken(q, took)
	case isUnknownBlock(err) || isUnknownTransaction(err):
		s.health.lacks(q)
	case isWaitTimeout(err):
		s.health.neutral(q)
	case q.alone:
		s.health.neutral(q)
		r.failed = !answered && transient(err)
	default:
		c.opts.Logger.Debug("liteserver failed", "server", s.Addr, "what", q.what, "error", err)
		s.health.failed(q)
		r.failed = transient(err)
	}
	return r
}

// transient is any failure but a long silence, which nobody waits for again.
func transient(err error) bool { return !errors.Is(err, context.DeadlineExceeded) }

// excluded says why servers in quarantine are not asked.
func (c *Client) excluded() (reasons []error) {
	for _, s := range c.servers {
		if lie := s.health.quarantine(); lie != nil {
			// of no kind: it is not why this question failed
			reasons = append(reasons, fmt.Errorf("liteserver %s is in quarantine: %s", s.Addr, lie.Error()))
		}
	}
	return reasons
}

func stopped(ctx context.Context, what string) error {
	err := fmt.Errorf("%s: %w", what, context.Cause(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		return cocoon.Unreachable.Errorf("%w", err)
	}
	return err
}

// gaveUp is the error after the last server failed.
func gaveUp(what string, failures []error) error {
	err := fmt.Errorf("%s: %w", what, errors.Join(failures...))
	var kinded *cocoon.Error
	if errors.As(err, &kinded) {
		return err
	}
	if slices.ContainsFunc(failures, isUnknownBlock) {
		return cocoon.NotFound.Errorf("%w", err)
	}
	return cocoon.WithHint(cocoon.Unreachable.Errorf("%w", err), "check the connection and the liteservers of the network file")
}
