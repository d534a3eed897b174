package answer

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// doneMark is what an engine ends a stream with.
const doneMark = "[DONE]"

// pull asks the engine and hands on what it says, until the answer is over. What
// it was is in m.
func (s *Service) pull(a *attempt, t *task, p *post, m *meter) (stream.Reason, error) {
	resp, err := s.ask(a, t)
	if err != nil {
		return ended(a, err)
	}
	defer resp.Body.Close() // with the connection, where not all was read
	if resp.StatusCode != http.StatusOK {
		return s.refused(a, p, resp)
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/event-stream" {
		return s.stream(a, p, m, resp.Body)
	}
	item, err := whole(resp.Body)
	if err != nil {
		return ended(a, err)
	}
	next, _, failed := m.after(item, s.deps.Clock())
	if failed {
		return stream.Failed, cocoon.Unreachable.Errorf("engine answered with something else than an answer")
	}
	*m = next
	return finish(a, p, item, m.out(), stream.Finished)
}

// ask posts the prompt. A failure of the engine is Unreachable.
func (s *Service) ask(a *attempt, t *task) (*http.Response, error) {
	url := s.deps.Engine(a.order.Route.Model) + a.order.Route.Endpoint.Path()
	req, err := http.NewRequestWithContext(a.ctx, http.MethodPost, url, bytes.NewReader(t.body))
	if err != nil {
		return nil, cocoon.Internal.Errorf("ask engine: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.deps.HTTP.Do(req)
	if err != nil {
		return nil, cocoon.Unreachable.Errorf("ask engine: %w", err)
	}
	return resp, nil
}

// ended is why an attempt is over that err stopped: its context, or the engine.
func ended(a *attempt, err error) (stream.Reason, error) {
	if a.ctx.Err() != nil {
		return reasonOf(a.ctx)
	}
	return stream.Failed, err
}

// stream hands on the events of an engine's stream.
func (s *Service) stream(a *attempt, p *post, m *meter, from io.Reader) (stream.Reason, error) {
	events := newEvents(from)
	defer events.free()
	pace := pace{window: s.cfg.Window}
	for {
		if !events.more() {
			pace.wait(a.ctx)
		}
		item, err := events.next()
		if errors.Is(err, io.EOF) {
			err = cocoon.Unreachable.Errorf("engine's stream ended without %s", doneMark)
		}
		if err != nil {
			return ended(a, err)
		}
		pace.heard(events.more(), time.Now())
		if string(item) == doneMark {
			reason, err := finish(a, p, item, m.out(), stream.Finished)
			_, _ = p.end() // its last frame waits for nothing; bill hears of what went wrong
			spend(a, from)
			return reason, err
		}
		next, said, failed := m.after(item, s.deps.Clock())
		if failed {
			_, _ = finish(a, p, item, m.out(), stream.Failed)
			return stream.Failed, cocoon.Unreachable.Errorf("engine reported a failure in its stream")
		}
		if said {
			if next.out() > m.most {
				return stream.Unfunded, cocoon.Conflict.Errorf("engine went beyond the %d tokens of the route", m.most)
			}
			if !a.cover.reaches(a.ctx.Done(), next.out(), s.cfg.Slice) {
				if a.ctx.Err() != nil {
					return reasonOf(a.ctx)
				}
				return stream.Unfunded, cocoon.Conflict.Errorf("%d tokens are covered", a.cover.tokens.Load())
			}
			a.state.Store(begun)
		}
		if !p.add(a.ctx.Done(), item, next.out()) {
			return reasonOf(a.ctx)
		}
		*m = next
	}
}

// spend reads what follows the last event, so that the connection can serve the
// next request. An engine that does not come to its end loses it.
func spend(a *attempt, from io.Reader) {
	limit := time.AfterFunc(50*time.Millisecond, func() { a.stop(nil) })
	defer limit.Stop()
	_, _ = io.CopyN(io.Discard, from, 1<<10)
}

// finish hands on the last item.
func finish(a *attempt, p *post, item []byte, out uint64, reason stream.Reason) (stream.Reason, error) {
	if !p.add(a.ctx.Done(), item, out) {
		return reasonOf(a.ctx)
	}
	return reason, nil
}

// refused hands on why an engine refuses a request, where that is the client's
// fault; the engine's own faults are nobody else's business.
func (s *Service) refused(a *attempt, p *post, resp *http.Response) (stream.Reason, error) {
	err := cocoon.Unreachable.Errorf("engine answered with status %d", resp.StatusCode)
	switch code := resp.StatusCode; {
	case code < 400 || code >= 500, code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired,
		code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return stream.Failed, err
	}
	item, readErr := whole(resp.Body)
	if readErr != nil {
		return ended(a, readErr)
	}
	return finish(a, p, item, 0, stream.Refused)
}

// whole is all of an engine's answer.
func whole(body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, stream.MaxItem+1))
	if err != nil {
		return nil, cocoon.Unreachable.Errorf("read the engine's answer: %w", err)
	}
	if len(raw) > stream.MaxItem {
		return nil, cocoon.Unreachable.Errorf("engine's answer has more than %d bytes", stream.MaxItem)
	}
	return raw, nil
}
