package indexer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// eventRow is an event as the log holds it.
type eventRow struct {
	bun.BaseModel `bun:"table:events"`

	Seq      uint64 `bun:",pk"`
	Seqno    uint32
	Time     uint32
	LT       uint64 `bun:"lt"`
	Tx       []byte
	Contract string
	Account  []byte
	Sender   []byte
	Name     string
	OK       bool `bun:"ok"`
	ExitCode int32
	Value    string
	Fees     string
	Body     []byte
	Data     string
	Out      string
}

// rowOf is o as the log holds it.
func rowOf(o *occurrence) (r eventRow, err error) {
	hash, err := hex.DecodeString(o.Tx)
	if err != nil {
		return r, err
	}
	out, err := json.Marshal(o.Out)
	if err != nil {
		return r, err
	}
	r = eventRow{Seq: o.Seq, Seqno: o.Seqno, Time: o.Time, LT: o.LT, Tx: hash, Contract: o.Contract, Account: o.Account[:], Sender: o.From[:],
		Name: o.Name, OK: o.OK, ExitCode: o.ExitCode, Value: o.Value.Text(), Fees: o.Fees.Text(), Body: []byte{}, Data: string(o.Data), Out: string(out)}
	if o.body != nil {
		r.Body = o.body.ToBOC()
	}
	return r, nil
}

// appendEvents adds all of a batch to the log, and the contracts born in it.
func (s *store) appendEvents(ctx context.Context, tx transaction, list []occurrence) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]eventRow, len(list))
	for i := range list {
		var err error
		if rows[i], err = rowOf(&list[i]); err != nil {
			return fmt.Errorf("append event %d: %w", list[i].Seq, err)
		}
	}
	if err := s.insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("append events %d to %d: %w", rows[0].Seq, rows[len(rows)-1].Seq, err)
	}
	for _, o := range list {
		if o.birth == nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO contracts (account, kind, birth, seq) VALUES (?, ?, ?, ?)`,
			o.Account[:], string(o.birth.kind), o.birth.data.ToBOC(), o.Seq); err != nil {
			return fmt.Errorf("enter contract %s: %w", o.Account, err)
		}
	}
	return nil
}

func (r *eventRow) event() (e market.Event, err error) {
	e = market.Event{Seq: r.Seq, Seqno: r.Seqno, Time: r.Time, LT: r.LT, Tx: hex.EncodeToString(r.Tx), Contract: r.Contract, Account: cocoon.Account(r.Account),
		From: cocoon.Account(r.Sender), Name: r.Name, OK: r.OK, ExitCode: r.ExitCode, Data: json.RawMessage(r.Data)}
	if e.Value, err = cocoon.ParseNano(r.Value); err != nil {
		return e, err
	}
	if e.Fees, err = cocoon.ParseNano(r.Fees); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(r.Out), &e.Out)
}

// Events returns up to limit events after seq, oldest first.
func (x *Indexer) Events(ctx context.Context, after uint64, limit int) ([]market.Event, error) {
	return x.events(ctx, after, limit, nil)
}

// events are those of one contract, or of all where a is nil.
func (x *Indexer) events(ctx context.Context, after uint64, limit int, a *cocoon.Account) ([]market.Event, error) {
	var rows []eventRow
	q := x.store.read.NewSelect().Model(&rows).ExcludeColumn("body").Where("seq > ?", after).Order("seq").Limit(int64(limit))
	if err := narrowed(q, "account", a).Scan(ctx); err != nil {
		return nil, x.store.explainRead(err)
	}
	events := make([]market.Event, len(rows))
	for i := range rows {
		e, err := rows[i].event()
		if err != nil {
			return nil, cocoon.Internal.Errorf("event %d in the log: %w", rows[i].Seq, err)
		}
		events[i] = e
	}
	return events, nil
}

// newest is the seq the log ends with. The database is asked, since a reader can
// have its newest event before this process knows that it was committed.
func (x *Indexer) newest(ctx context.Context) (seq uint64, err error) {
	err = x.store.read.QueryRowContext(ctx, `SELECT events FROM cursor`).Scan(&seq)
	return seq, x.store.explainRead(err)
}

// Wait returns once the log holds an event after seq, or with ctx's error.
func (x *Indexer) Wait(ctx context.Context, after uint64) error {
	return x.until(ctx, func(c cursor) bool { return c.events > after })
}

// WaitSeqno returns once the masterchain block seqno has been indexed, or with ctx's error.
func (x *Indexer) WaitSeqno(ctx context.Context, seqno uint32) error {
	return x.until(ctx, func(c cursor) bool { return c.seqno >= seqno })
}

func (x *Indexer) until(ctx context.Context, reached func(cursor) bool) error {
	for {
		x.mu.Lock()
		done, changed := reached(x.cursor), x.changed
		x.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Head is how far the chain has been followed.
func (x *Indexer) Head() market.Head {
	c := x.position()
	return market.Head{Seqno: c.seqno, Time: c.time, Events: c.events}
}
