package gateway

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// overhead is how many tokens a model's template adds to a prompt at most.
const overhead = 1024

// Books are the Money of a ledger.
type Books struct {
	Ledger *ledger.Ledger
	Now    func() time.Time
	Head   func() uint32 // seqno of the masterchain block that the ledger's facts are from
	// Promise retires a channel and signs what it may be closed with.
	Promise func(ctx context.Context, channel cocoon.Account, session uint64, paid *voucher.Signed) (stream.Promise, error)
}

// Hello implements Money.
func (b Books) Hello(_ context.Context, key [32]byte, h stream.Hello) (s stream.State, err error) {
	keys, err := b.Ledger.Keys(h.Channel)
	if err != nil {
		return s, refusal(err)
	}
	if !slices.Contains(keys, ledger.Key(key)) {
		return s, cocoon.Forbidden.Errorf("channel %s has another key", h.Channel)
	}
	if err = h.Verify(key); err != nil {
		return s, err
	}
	return b.state(h.Channel, h.Session, 0)
}

// noReceipts is behind all of them.
const noReceipts = math.MaxUint64

// state is what the ledger holds of a channel, whose session begins or goes on, with
// the receipts behind since.
func (b Books) state(channel cocoon.Account, session, since uint64) (s stream.State, err error) {
	held, err := b.Ledger.Hello(channel, session, nil, since)
	if err != nil {
		return s, refusal(err)
	}
	s = stream.State{Used: held.Agreed, Open: held.Reserved, Deposit: held.Deposited, Session: session}
	for raw, amount := range map[*[]byte]*cocoon.Nano{&held.Cover: &s.Cover, &held.Paid: &s.Paid} {
		if *raw == nil {
			continue
		}
		v, err := voucher.Parse(*raw)
		if err != nil {
			return s, cocoon.Internal.Errorf("voucher in the ledger: %w", err)
		}
		*amount = v.Cumulative
	}
	for _, r := range held.Receipts {
		s.Receipts = append(s.Receipts, r.Raw)
	}
	return s, nil
}

// Admit implements Money.
func (b Books) Admit(key [32]byte, w Work) error {
	if err := b.speaks(key, w.Pay.Channel); err != nil {
		return err
	}
	size := bound.Size{Prompt: uint64(w.Bytes), Overhead: overhead, Choices: uint64(w.Route.Choices), MaxOut: uint64(max(w.Route.MaxOut, 1))} // embeddings have no tokens of their own
	r := ledger.Request{ID: ledger.ID(w.Route.Request), Channel: w.Pay.Channel, Route: w.Route.Hash(), Size: size, Price: w.Price}
	return refusal(b.Ledger.Admit(w.Pay.Session, r, &w.Pay.Cover))
}

// speaks refuses a daemon that does not hold a channel's key: whose messages are
// whose, the bus vouches for.
func (b Books) speaks(key [32]byte, channel cocoon.Account) error {
	keys, err := b.Ledger.Keys(channel)
	if err != nil {
		return refusal(err)
	}
	if !slices.Contains(keys, ledger.Key(key)) {
		return cocoon.Forbidden.Errorf("channel %s has another key", channel)
	}
	return nil
}

// Extend implements Money.
func (b Books) Extend(id stream.RequestID, session uint64, tokens uint32) (uint32, error) {
	granted, err := b.Ledger.Extend(session, ledger.ID(id), uint64(tokens), nil)
	return uint32(granted), refusal(err)
}

// Cover implements Money.
func (b Books) Cover(id stream.RequestID, session uint64, v voucher.Signed) error {
	_, err := b.Ledger.Extend(session, ledger.ID(id), 0, &v)
	return refusal(err)
}

// Assign implements Money.
func (b Books) Assign(id stream.RequestID, attempt uint8, c stream.Candidate) error {
	return b.Ledger.Assign(ledger.ID(id), ledger.Attempt{Number: attempt, Provider: c.Provider, Worker: ledger.Key(c.Worker), Boot: ledger.ID(c.Boot), Price: c.Price})
}

// Keep implements Money.
func (b Books) Keep(ctx context.Context, of Run, keys []byte) error {
	return b.Ledger.KeepKeys(ctx, ledger.Key(of.Worker), ledger.ID(of.Boot), keys)
}

// Kept implements Money.
func (b Books) Kept(ctx context.Context, of Run) ([]byte, error) {
	return b.Ledger.KeptKeys(ctx, ledger.Key(of.Worker), ledger.ID(of.Boot))
}

// Commit implements Money.
func (b Books) Commit(ctx context.Context, u receipt.SignedUsage, c receipt.SignedCertificate, bytes uint64) (Ticket, error) {
	t, err := b.Ledger.Commit(ctx, u, c, bytes)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (o Booked, err error) {
		out, err := t.Wait(ctx)
		if err != nil {
			return o, err
		}
		o = Booked{Ack: out.Ack, Void: out.Void, Again: out.Duplicate}
		if keys, err := b.Ledger.Keys(out.Payer); err == nil {
			o.Payer = [32]byte(keys[0])
		}
		return o, nil
	}, nil
}

// Book implements Money.
func (b Books) Book() ([]byte, error) {
	signed, err := b.Ledger.Book(b.Head())
	if err != nil {
		return nil, err
	}
	return signed.Bytes(), nil
}

// Time implements Money.
func (b Books) Time() time.Time { return b.Now() }

// Earned implements Money.
func (b Books) Earned(ctx context.Context) (list []receipt.SignedEarned, err error) {
	for _, provider := range b.Ledger.Ripe(b.Now()) {
		signed, err := b.Ledger.Earned(ctx, provider)
		if err != nil {
			return list, err
		}
		list = append(list, signed...)
	}
	return list, nil
}

// Promised implements Money.
func (b Books) Promised(ctx context.Context, provider cocoon.Account) ([]receipt.SignedEarned, error) {
	return b.Ledger.Earned(ctx, provider)
}

// Settle implements Money.
func (b Books) Settle(ctx context.Context, key [32]byte, session uint64, s stream.Settle) (state stream.State, err error) {
	if err = b.speaks(key, s.Paid.Channel); err != nil {
		return state, err
	}
	for _, a := range s.Agreed {
		if failed := b.agree(ctx, session, a); err == nil { // the others are as good as they are without
			err = failed
		}
	}
	if failed := b.Ledger.Pay(session, s.Paid); err == nil {
		err = failed
	}
	if err != nil {
		return state, refusal(err)
	}
	return b.state(s.Paid.Channel, session, noReceipts) // it is told of each as it comes
}

func (b Books) agree(ctx context.Context, session uint64, a stream.Agreed) error {
	err := b.Ledger.OK(ctx, session, ledger.ID(a.Request), a.Cost)
	if cocoon.KindOf(err) == cocoon.Invalid {
		err = b.Ledger.Dispute(ctx, session, ledger.ID(a.Request), a.Usage, a.Cost)
	}
	return err
}

// Close implements Money.
func (b Books) Close(ctx context.Context, key [32]byte, c stream.Close) (p stream.Promise, err error) {
	if err = b.speaks(key, c.Channel); err != nil {
		return p, err
	}
	p, err = b.Promise(ctx, c.Channel, c.Session, &c.Paid)
	return p, refusal(err)
}

// Release implements Money.
func (b Books) Release(id stream.RequestID) { _ = b.Ledger.Release(ledger.ID(id)) } // one that has its receipt stays

// Left implements Money.
func (b Books) Left() (all []Left) {
	for _, u := range b.Ledger.Pending(b.Now().Add(time.Hour)) { // all of them
		l := Left{Request: stream.RequestID(u.ID)}
		if u.Attempt != nil {
			l.Worker = Run{[32]byte(u.Attempt.Worker), stream.Boot(u.Attempt.Boot)}
		}
		all = append(all, l)
	}
	return all
}

// refusals are what a daemon is told of the ledger's reasons, and after how many
// milliseconds to ask again.
var refusals = []struct {
	why  error
	code stream.Code
	wait uint32
}{{ledger.ErrUnknown, stream.ChannelClosed, 1000}, {ledger.ErrClosing, stream.ChannelClosed, 0}, {ledger.ErrFenced, stream.ChannelInUse, 0},
	{ledger.ErrDisputed, stream.ChannelClosed, 0}, {ledger.ErrUnpaid, stream.NeedCover, 0}, {ledger.ErrBusy, stream.NoCapacity, 100},
	{ledger.ErrLag, stream.Lagging, 1000}, {ledger.ErrStopped, stream.Lagging, 5000}, {ledger.ErrTwice, stream.BadRequest, 0}, {ledger.ErrRequest, stream.Overdue, 0},
	{ledger.ErrOpen, stream.Busy, 200}}

// refusal is err as a daemon reads it; what the ledger has no reason for stays as it is.
func refusal(err error) error {
	var need *ledger.NeedError
	if errors.As(err, &need) {
		return &stream.Fail{Code: stream.NeedCover, Need: need.Cover, Text: need.Error()}
	}
	for _, r := range refusals {
		if errors.Is(err, r.why) {
			return &stream.Fail{Code: r.code, Wait: r.wait, Text: err.Error()}
		}
	}
	return err
}
