package session

import (
	"context"
	"errors"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// hello takes the channel, and answers the receipts that wait.
func (s *Session) hello(ctx context.Context) error {
	s.hail.Lock()
	defer s.hail.Unlock()
	number, err := s.deps.Ledger.NextSession()
	if err != nil {
		return err
	}
	h := stream.Hello{GlobalID: s.cfg.GlobalID, Rewards: s.cfg.Rewards, Channel: s.cfg.Channel, Session: number}.Sign(s.deps.Key)
	state, err := ask(ctx, s.link, stream.Home, stream.HelloVerb, h, stream.ParseState)
	if err == nil {
		err = s.learn(state)
	}
	if err == nil && state.Session != number {
		err = cocoon.Unreachable.Errorf("the dispatcher has the channel in session %d, asked for was %d", state.Session, number)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	if !s.dead {
		s.number, s.node, s.gone = number, state.Node, nil
	}
	s.mu.Unlock()
	for _, raw := range state.Receipts {
		s.claimed(raw)
	}
	s.log.Info("channel taken", "session", number)
	return nil
}

// learn compares what the dispatcher says with our books.
func (s *Session) learn(state stream.State) error {
	err := s.deps.Ledger.Learn(state)
	if err == nil && (state.Node == "" || !plain(state.Node)) {
		err = cocoon.Invalid.Errorf("the dispatcher names no node")
	}
	if k := cocoon.KindOf(err); err != nil && (k == cocoon.Forbidden || k == cocoon.Conflict) {
		s.refuse(err)
	}
	return err
}

// plain reports whether a name is one token of a subject.
func plain(name string) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' || c == '.' || c == '*' || c == '>' {
			return false
		}
	}
	return true
}

// down gives up what nobody is known to have taken: another dispatcher may take it.
// Answers that were begun wait for the connection.
func (s *Session) down() {
	s.mu.Lock()
	if !s.dead {
		s.gone = errConnecting
	}
	s.mu.Unlock()
	s.each(func(a *answer) {
		select {
		case <-a.taken:
		default:
			a.halt(&api.Error{Code: api.CodeUnavailable, Err: cocoon.Unreachable.Errorf("the connection to the dispatcher was lost")})
		}
	})
}

// again takes the channel once more after the connection was lost, and asks for
// what was missed.
func (s *Session) again() {
	for attempt := 0; ; attempt++ {
		err := s.hello(s.life)
		if err == nil {
			s.each(func(a *answer) { a.poke() })
			return
		}
		var f *stream.Fail
		if errors.As(err, &f) && f.Code == stream.ChannelInUse {
			s.refuse(err)
		}
		if _, dead := s.Err(); dead || s.life.Err() != nil || !s.link.conn.IsConnected() {
			return // a connection that comes again begins again
		}
		s.log.Warn("channel not taken", "error", err)
		select {
		case <-s.life.Done():
		case <-time.After(s.link.delay(attempt)):
		}
	}
}
