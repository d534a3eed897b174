package ledger

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// maxAhead is how far a receipt may be ahead of the acknowledged ones.
const maxAhead = 1 << 16

// Outcome is what became of a receipt.
type Outcome struct {
	Ack       uint32         // the highest number of its boot below which none is missing
	Duplicate bool           // it was committed before
	Void      string         // why nobody pays it, "" where somebody does
	Channel   Unanswered     // as its client gets it, if it is not void
	Payer     cocoon.Account // the channel, if it is not void
	Cost      cocoon.Nano    // 0 where it is void
}

// Ticket is a receipt that waits to be durable.
type Ticket struct {
	outcome Outcome
	batch   *batch
	journal *journal
}

// Wait returns the outcome once it is durable: only then may the receipt be
// acknowledged, and its client told of it.
func (t *Ticket) Wait(ctx context.Context) (Outcome, error) {
	if err := t.journal.wait(ctx, t.batch); err != nil {
		return Outcome{}, fmt.Errorf("commit a receipt: %w", err)
	}
	return t.outcome, nil
}

// Commit takes a worker's receipt for an answer of so many bytes. What is out of
// bounds is void, but counts as received. A receipt that was committed before
// changes nothing; one with other content is an EquivocationError.
func (l *Ledger) Commit(ctx context.Context, u receipt.SignedUsage, c receipt.SignedCertificate, size uint64) (*Ticket, error) {
	if err := l.authentic(u, c); err != nil {
		return nil, err
	}
	key := boot{worker{u.Provider, u.Worker}, u.Boot}
	t, err := l.receive(key, u, c, size)
	if t == nil && err == nil {
		return l.repeated(ctx, key, u)
	}
	return t, err
}

// receive commits u, unless its number was used.
func (l *Ledger) receive(key boot, u receipt.SignedUsage, c receipt.SignedCertificate, size uint64) (*Ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.state.boots[key]
	if b != nil && (u.Number <= b.Ack || b.above[u.Number]) {
		return nil, nil
	}
	ack := uint32(0)
	if b != nil {
		ack = b.Ack
	}
	if u.Number == 0 || u.Number-ack > maxAhead {
		return nil, cocoon.Invalid.Errorf("receipt %d of worker %x: the last one in order is %d", u.Number, u.Worker[:4], ack)
	}
	r := &committed{boot: key, Number: u.Number, Request: u.Content.Request, Raw: u.Bytes(), At: l.now()}
	if b == nil || int64(c.NotAfter) > b.Until {
		r.Certificate, r.Until = c.Bytes(), int64(c.NotAfter)
	}
	l.judge(r, u, size)
	durable, err := l.do(r)
	if err != nil {
		return nil, err
	}
	o := Outcome{Ack: l.state.boots[key].Ack, Void: r.Void, Cost: r.Cost}
	if rq := l.state.requests[r.Request]; rq != nil && r.Void == "" {
		o.Channel, o.Payer = Unanswered{rq.Receipt.Index, rq.ID, r.Cost, r.Raw}, rq.Channel
		if c := l.state.channels[rq.Channel]; c.Facts.Closed { // nobody will answer
			err = l.lapse(c)
		}
	}
	return &Ticket{o, durable, l.journal}, err
}

// authentic reports why u was not signed by a session that c certifies now.
func (l *Ledger) authentic(u receipt.SignedUsage, c receipt.SignedCertificate) error {
	what := func() string { return fmt.Sprintf("receipt %d of worker %x", u.Number, u.Worker[:4]) }
	if u.GlobalID != l.cfg.GlobalID || u.Rewards != l.cfg.Rewards {
		return cocoon.Invalid.Errorf("%s: it is for dispatcher %s, network %d", what(), u.Rewards, u.GlobalID)
	}
	if c.GlobalID != u.GlobalID || c.Provider != u.Provider || c.Boot != u.Boot {
		return cocoon.Forbidden.Errorf("%s: its certificate is another session's", what())
	}
	if l.now() >= int64(c.NotAfter) {
		return cocoon.WithHint(cocoon.Forbidden.Errorf("%s: its certificate has ended", what()), "begin a new session")
	}
	l.mu.Lock()
	b := l.state.boots[boot{worker{u.Provider, u.Worker}, u.Boot}]
	var first []byte
	if b != nil {
		first = b.Certificate
	}
	known := b != nil && bytes.Equal(first, c.Bytes())
	l.mu.Unlock()
	if b != nil && !known {
		if of, err := receipt.ParseCertificate(first); err == nil && of.SessionKey != c.SessionKey { // clients know one of them, by evidence
			return cocoon.Forbidden.Errorf("%s: it is certified for another session key than the receipts of this boot before", what())
		}
	}
	if !known {
		if err := c.Verify(u.Worker); err != nil {
			return err
		}
	}
	return u.Verify(c.SessionKey)
}

// judge writes into r what it is worth, or why it is void.
func (l *Ledger) judge(r *committed, u receipt.SignedUsage, size uint64) {
	rq := l.state.requests[r.Request]
	if r.Void = misplaced(rq, r, u); r.Void != "" {
		return
	}
	if r.Void = outOfBounds(rq, u, size); r.Void != "" {
		r.Ends = true
		return
	}
	r.Cost = u.Content.Cost
	if r.Trusted = l.state.trusts(r.worker, l.cfg.Free, r.Cost, r.Cost, r.At); r.Trusted {
		r.Credit = l.state.Facts.Fees.Rest(r.Cost)
	}
}

// misplaced says why r is not the receipt that its request waits for.
func misplaced(rq *request, r *committed, u receipt.SignedUsage) string {
	switch {
	case rq == nil:
		return "no such request is open"
	case rq.Receipt != nil:
		return "the request has its receipt"
	case rq.Attempt == nil || rq.Attempt.Number != u.Content.Attempt || rq.Attempt.Provider != r.Provider || rq.Attempt.Worker != r.Key || rq.Attempt.Boot != r.Boot:
		return "the request is another attempt's"
	}
	return ""
}

// outOfBounds says why nobody pays u, of the attempt that rq waits for.
func outOfBounds(rq *request, u receipt.SignedUsage, size uint64) string {
	if u.Content.Route != rq.Route || u.Content.Price != rq.Attempt.Price {
		return "it is for another route or price"
	}
	if err := rq.Size.Check(u.Content.Usage, size); err != nil {
		return err.Error()
	}
	cost, err := u.Content.Price.Cost(u.Content.Usage)
	if err != nil || cost != u.Content.Cost {
		return "its cost is not that of its usage"
	}
	if cost.Cmp(rq.Reserve) > 0 {
		return "it costs more than was reserved"
	}
	return ""
}

// repeated answers a receipt whose number was used before.
func (l *Ledger) repeated(ctx context.Context, key boot, u receipt.SignedUsage) (*Ticket, error) {
	l.mu.Lock()
	b, row := l.state.boots[key], l.state.receipt(receiptKey{key, u.Number})
	if b == nil {
		l.mu.Unlock()
		return nil, cocoon.Forbidden.Errorf("receipt %d of worker %x: its session has just ended", u.Number, u.Worker[:4])
	}
	certificate := b.Certificate
	t := &Ticket{Outcome{Ack: b.Ack, Duplicate: true}, l.journal.pending(), l.journal}
	l.mu.Unlock()
	if row == nil {
		var err error
		if row, err = l.store.receipt(ctx, receiptKey{key, u.Number}); row == nil || err != nil {
			return t, err // too old to be kept
		}
	}
	first, err := receipt.ParseUsage(row.Raw)
	if err != nil {
		return nil, err
	}
	if t.outcome.Void = row.Void; !receipt.Equivocates(first.Usage, u.Usage) {
		return t, nil
	}
	c, err := receipt.ParseCertificate(certificate)
	if err != nil {
		return nil, err
	}
	e := receipt.Equivocation{Worker: key.Key, Certificate: c, First: first, Second: u}
	if err = e.Verify(); err != nil {
		return nil, err // two session keys of one boot: not paid, and no evidence
	}
	l.mu.Lock()
	_, err = l.do(&contradicted{key, u.Number, certificate, row.Raw, u.Bytes()})
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return nil, cocoon.Forbidden.Errorf("%w", &EquivocationError{e})
}
