package session

import (
	"context"
	"errors"
	"time"

	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// CloseNow ends the dispatcher's service under the channel, and returns what the
// channel may be closed with at once. It pays for all that was agreed, and waits
// while receipts that the dispatcher holds are being answered.
func (s *Session) CloseNow(ctx context.Context) (wrappers.CloseNow, error) {
	for {
		p, err := s.promise(ctx)
		var f *stream.Fail
		if err == nil || !errors.As(err, &f) || f.Code != stream.Busy {
			return wrappers.CloseNow{Signature: p.Signature, Final: wrappers.Coins{Nano: p.Final}}, err
		}
		select {
		case <-time.After(max(time.Duration(f.Wait)*time.Millisecond, s.cfg.Retry)):
		case <-ctx.Done():
			return wrappers.CloseNow{}, err
		}
	}
}

func (s *Session) promise(ctx context.Context) (p stream.Promise, err error) {
	node, number, err := s.place()
	if err != nil {
		return p, err
	}
	paid, err := s.deps.Ledger.Paid()
	if err != nil {
		return p, err
	}
	return ask(ctx, s.link, node, stream.CloseVerb, stream.Close{Channel: s.cfg.Channel, Session: number, Paid: paid}, stream.ParsePromise)
}
