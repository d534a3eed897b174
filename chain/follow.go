package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

const (
	again = 2 * time.Second // between broadcasts of one request: a node may have lost it
	pause = time.Second / 2 // after no liteserver answered
	// grace is how much later than by its own clock a block may be committed.
	grace = 15 * time.Second
)

// chase is one request on its way into a block.
type chase struct {
	client   *Client
	from     Account // the wallet before
	request  Unsigned
	external *cell.Cell
	body     []byte

	out      time.Time // of the last broadcast
	escaped  bool      // some liteserver may have taken it
	refusals int       // in a row
	refused  error
}

// follow broadcasts a request and waits until a masterchain block commits the
// transaction that executes it, or until none can any more.
func (c *Client) follow(ctx context.Context, from Account, u Unsigned, external *cell.Cell) (landed, error) {
	body, err := bodyHash(external)
	if err != nil {
		return landed{}, err
	}
	if !c.opts.Clock().Before(u.ValidUntil) {
		return landed{}, cocoon.WithHint(cocoon.Invalid.Errorf("%w: the request expired at %s", ErrRejected, stamp(u.ValidUntil)),
			"sign it anew; where it is new, set this machine's clock")
	}
	// an expired request is given up even where the chain's clock is behind ours
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(u.ValidUntil.Sub(c.opts.Clock())+2*grace))
	defer cancel()
	t := &chase{client: c, from: from, request: u, external: external, body: body}
	for next := from.Block.SeqNo + 1; ; {
		t.broadcast(ctx)
		now, err := c.accountFrom(ctx, next, from.ID)
		switch {
		case ctx.Err() != nil:
			return landed{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, context.Cause(ctx))
		case err != nil:
			sleep(ctx, pause)
			continue
		}
		next = now.Block.SeqNo + 1
		if done, ended, err := t.look(ctx, now); ended {
			return done, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// broadcast sends the request where it is due; what comes of it is only told by
// the chain.
func (t *chase) broadcast(ctx context.Context) {
	if !t.out.IsZero() && t.refusals == 0 && time.Since(t.out) < again {
		return
	}
	t.out = time.Now()
	switch err := t.client.Broadcast(ctx, t.external); {
	case errors.Is(err, ErrRejected):
		t.refusals++
		t.refused = err
	default:
		t.escaped, t.refusals = true, 0
	}
}

// look judges the wallet's state after the request was sent, and reports whether
// that is the end.
func (t *chase) look(ctx context.Context, now Account) (landed, bool, error) {
	if now.LastLT != t.from.LastLT {
		if done, found, err := t.find(ctx, now); found || err != nil {
			return done, found, err
		}
	}
	seqno, err := walletSeqno(now)
	switch {
	case err != nil:
		return landed{}, true, err
	case seqno != t.request.Seqno:
		return landed{}, true, errOvertaken
	case !t.escaped && t.refusals > 1:
		return landed{}, true, t.refused
	case t.client.opts.Clock().After(t.request.ValidUntil):
		reached, err := t.client.Time(ctx, now.Block)
		if err == nil && reached.After(t.request.ValidUntil.Add(grace)) {
			return landed{}, true, cocoon.Unreachable.Errorf("%w: no block took the request before it expired", ErrRejected)
		}
	}
	return landed{}, false, nil
}

// find looks for the request among the wallet's transactions since it was sent.
func (t *chase) find(ctx context.Context, now Account) (landed, bool, error) {
	for lt, hash := now.LastLT, now.LastHash; lt > t.from.LastLT; {
		list, err := t.client.Transactions(ctx, now.ID, lt, hash, page)
		if err != nil {
			return landed{}, false, err
		}
		for _, tx := range list {
			if tx.LT > t.from.LastLT && t.executedBy(tx) {
				out, err := leaving(tx)
				return landed{Sent{[32]byte(tx.Hash), tx.LT, now.Block}, out}, true, err
			}
			lt, hash = tx.PrevTxLT, [32]byte(tx.PrevTxHash)
		}
	}
	return landed{}, false, nil
}

func (t *chase) executedBy(tx *tlb.Transaction) bool {
	if tx.IO.In == nil || tx.IO.In.MsgType != tlb.MsgTypeExternalIn {
		return false
	}
	body := tx.IO.In.AsExternalIn().Body
	return body != nil && bytes.Equal(body.Hash(), t.body)
}

// leaving are the internal messages a transaction sent, in order.
func leaving(tx *tlb.Transaction) ([]*tlb.InternalMessage, error) {
	if tx.IO.Out == nil {
		return nil, nil
	}
	all, err := tx.IO.Out.ToSlice()
	if err != nil {
		return nil, fmt.Errorf("messages of transaction %x: %w", tx.Hash, err)
	}
	var out []*tlb.InternalMessage
	for _, m := range all {
		if m.MsgType == tlb.MsgTypeInternal {
			out = append(out, m.AsInternal())
		}
	}
	return out, nil
}
