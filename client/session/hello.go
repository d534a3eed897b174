package session

import (
	"context"
	"errors"
	"time"

	"github.com/cocoon-network/cocoon"
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
	state, err := s.greet(ctx, number)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if !s.dead {
		s.number, s.node, s.gone = number, state.Node, nil
	}
	s.mu.Unlock()
	s.leases.forget()
	s.log.Info("channel taken", "session", number)
	s.claims(number, state.Receipts)
	return nil
}

// greet says hello as that session, which may be the one that has the channel already.
func (s *Session) greet(ctx context.Context, number uint64) (stream.State, error) {
	h := stream.Hello{GlobalID: s.cfg.GlobalID, Rewards: s.cfg.Rewards, Channel: s.cfg.Channel, Session: number}.Sign(s.deps.Key)
	state, err := ask(ctx, s.link, stream.Home, stream.HelloVerb, h, stream.ParseState)
	if err == nil {
		err = s.learn(state)
	}
	if err == nil && state.Session != number {
		err = cocoon.Unreachable.Errorf("the dispatcher has the channel in session %d, asked for was %d", state.Session, number)
	}
	return state, err
}

// claims answers the receipts that the dispatcher holds. Where there are as many as a
// state can hold there are more, which it tells once it has the answers.
func (s *Session) claims(number uint64, receipts [][]byte) {
	for _, raw := range receipts {
		s.claimed(raw)
	}
	if len(receipts) == stream.MaxReceipts {
		s.spawn(func() { s.askForMore(number) })
	}
}

func (s *Session) askForMore(number uint64) {
	for attempt := 0; ; attempt++ {
		select {
		case <-s.life.Done():
			return
		case <-time.After(s.link.delay(attempt)):
		}
		if _, now, err := s.place(); err != nil || now != number {
			return // the next hello tells of them
		}
		state, err := s.greet(s.life, number)
		if err == nil {
			s.claims(number, state.Receipts)
			return
		}
		s.log.Warn("further receipts not told", "error", err)
	}
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
// What was taken waits for the connection, for as long as Grace where another may take
// it too, and an answer that has begun for as long as Silence.
func (s *Session) down() {
	s.mu.Lock()
	if !s.dead {
		s.gone = errConnecting
	}
	s.mu.Unlock()
	s.each(func(a *answer) { a.forsake(func() bool { return a.attempt.number == 0 }) })
	s.spawn(func() {
		select {
		case <-s.life.Done():
			return
		case <-time.After(s.cfg.Grace):
		}
		if gone, _ := s.Err(); gone != nil {
			s.each(func(a *answer) { a.forsake(a.spare.Load) })
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
