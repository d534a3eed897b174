package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// payAfter is for how long what was agreed waits for more, to be paid together: one
// voucher pays all.
const payAfter = 5 * time.Millisecond

// pay answers a receipt soon, with those that come until then. Close lets it come to
// its end.
func (s *Session) pay(a stream.Agreed) {
	if !s.due.Add(a) {
		return
	}
	s.spawnIn(&s.payments, func() {
		time.Sleep(payAfter)
		for some := range slices.Chunk(s.due.Take(), stream.MaxAgreed) {
			if err := s.settle(some); err != nil && !errors.Is(err, context.Canceled) {
				s.log.Info("receipts not answered", "receipts", len(some), "request", some[0].Request, "error", err)
			}
		}
	})
}

// settle answers receipts, twice if need be: the next session repeats what is lost.
func (s *Session) settle(agreed []stream.Agreed) error {
	paid, err := s.deps.Ledger.Paid()
	if err != nil {
		return err
	}
	ctx, m := context.WithoutCancel(s.life), stream.Settle{Agreed: agreed, Paid: paid}
	for range 2 {
		var node string
		if node, _, err = s.place(); err != nil {
			break
		}
		var state stream.State
		if state, err = ask(ctx, s.link, node, stream.SettleVerb, m, stream.ParseState); err == nil {
			err = s.learn(state)
		}
		if cocoon.KindOf(err) != cocoon.Unreachable || s.life.Err() != nil {
			break
		}
	}
	return err
}
