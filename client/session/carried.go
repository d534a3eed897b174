package session

import (
	"context"
	"errors"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
)

// carried is an answer of the first dispatcher that has somebody who begins it. It
// is one caller's at a time.
type carried struct {
	*answer  // of the dispatcher that is asked now
	request  api.Request
	rest     []*Session // not asked yet; each is asked once
	begun    bool
	reserved cocoon.Nano // the most before this one
	attempts int         // as well
}

// Start asks the first dispatcher that can be used, and where that has nobody who
// takes the request, the next.
func (p *Pool) Start(ctx context.Context, r api.Request) (api.Answer, error) {
	c := &carried{request: r, rest: p.ready()}
	if err := c.next(ctx, errNobody); err != nil {
		return nil, err
	}
	return c, nil
}

// next asks those that are left, one after the other. That one of all has no
// capacity says more than that another is gone: it is why the request failed.
func (c *carried) next(ctx context.Context, failed error) error {
	for len(c.rest) > 0 {
		s := c.rest[0]
		c.rest = c.rest[1:]
		a, err := s.Start(ctx, c.request)
		if err == nil {
			a.spare.Store(len(c.rest) > 0)
			c.answer = a
			return nil
		}
		if !full(failed) {
			failed = err
		}
		if ctx.Err() != nil {
			return err
		}
		if !elsewhere(s, err) {
			break
		}
	}
	return failed
}

// Next goes on at the next dispatcher where this one's workers took the request and
// none of them could begin, or this one is gone before any did: that costs nothing.
func (c *carried) Next(ctx context.Context) ([][]byte, error) {
	for {
		items, err := c.answer.Next(ctx)
		c.begun = c.begun || len(items) > 0
		if c.begun || ctx.Err() != nil || !unbegun(err) || len(c.rest) == 0 {
			return items, err
		}
		if cerr := c.giveUp(); cerr != nil {
			return nil, errors.Join(err, cerr)
		}
		if err = c.next(ctx, err); err != nil {
			return nil, err
		}
	}
}

// giveUp ends what is owed for nothing, whatever bill still comes for it.
func (c *carried) giveUp() error {
	if err := c.Close(); err != nil {
		return err
	}
	cost, err := c.s.deps.Ledger.Agree(c.id, cocoon.Nano{})
	if err == nil && !cost.IsZero() {
		err = cocoon.Conflict.Errorf("%s are owed for an answer that never began", cost)
	}
	c.reserved, c.attempts = c.Reserved(), c.attempts+c.answer.Bill().Attempts
	return err
}

// Reserved is the most that was set aside at any of them.
func (c *carried) Reserved() cocoon.Nano {
	if now := c.answer.Reserved(); now.Cmp(c.reserved) > 0 {
		return now
	}
	return c.reserved
}

// Bill counts the workers of all of them.
func (c *carried) Bill() api.Bill {
	b := c.answer.Bill()
	b.Attempts += c.attempts
	return b
}

// full reports whether a dispatcher has nobody who begins a request.
func full(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Code == api.CodeNoCapacity
}

// elsewhere reports whether another dispatcher may do better: this one is gone, has
// stopped, has no capacity, or the session with it is over.
func elsewhere(s *Session, err error) bool {
	if gone, _ := s.Err(); gone != nil {
		return true
	}
	var e *api.Error
	if errors.As(err, &e) {
		return unbegun(err)
	}
	return cocoon.KindOf(err) == cocoon.Unreachable
}

// unbegun reports whether another dispatcher may begin an answer: this one is gone, or
// was away, or has nobody who does.
func unbegun(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && (e.Code == api.CodeUnavailable || e.Code == api.CodeWorkerLost || e.Code == api.CodeNoCapacity)
}
