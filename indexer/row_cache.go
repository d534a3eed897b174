package indexer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// place is where the state of a contract lies.
type place struct {
	table   string
	account cocoon.Account
}

// kept is a row that a page of events has read: what it says now, and how that
// is written where it changed.
type kept struct {
	doc   string
	write func(context.Context) error
}

// rowCache holds the rows that a page of events reads and changes, so that each
// is read and written once however often it changes. Nothing but its projector
// may read those rows until flush has written them.
type rowCache struct {
	docs   map[place]*kept
	purses map[cocoon.Account]*purse
	births map[cocoon.Account]uint64 // seq of the birth, 0 of what is not ours
	links  map[cocoon.Account]*link  // moved by what is new in the log
	money  *market.Money

	rollups map[rollupKey]*rolled
	tally   tally // of the present event
}

func newProjector(tx bun.Tx) projector {
	return projector{tx, &rowCache{docs: map[place]*kept{}, purses: map[cocoon.Account]*purse{}, births: map[cocoon.Account]uint64{}, links: map[cocoon.Account]*link{},
		rollups: map[rollupKey]*rolled{}}}
}

// flush writes what has changed; the projector is of no use after it.
func (p projector) flush(ctx context.Context) error {
	for _, k := range p.rows.docs {
		if k.write == nil {
			continue
		}
		if err := k.write(ctx); err != nil {
			return err
		}
	}
	for account, held := range p.rows.purses {
		if _, err := p.tx.ExecContext(ctx, `INSERT INTO balances (account, received, sent, fees) VALUES (?0, ?1, ?2, ?3)
			ON CONFLICT (account) DO UPDATE SET received = ?1, sent = ?2, fees = ?3`, account[:], held.received.Text(), held.sent.Text(), held.fees.Text()); err != nil {
			return err
		}
	}
	if err := errors.Join(p.flushLinks(ctx), p.flushRollups(ctx)); err != nil || p.rows.money == nil {
		return err
	}
	return p.writeMoney(ctx, *p.rows.money)
}

// recall is the state of the contract at a; NotFound where there is none.
func recall[T any](ctx context.Context, p projector, table string, a cocoon.Account) (state T, err error) {
	at := place{table, a}
	k := p.rows.docs[at]
	if k == nil {
		k = &kept{}
		if k.doc, err = readDoc(ctx, p.tx, table, a); err != nil {
			return state, err
		}
		p.rows.docs[at] = k
	}
	return state, json.Unmarshal([]byte(k.doc), &state)
}

// keep remembers the state of the contract at a; write gets it as JSON.
func (p projector) keep(table string, a cocoon.Account, state any, write func(ctx context.Context, doc string) error) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return err
	}
	p.rows.docs[place{table, a}] = &kept{string(doc), func(ctx context.Context) error { return write(ctx, string(doc)) }}
	return nil
}

// purse is what was booked of a.
func (p projector) purse(ctx context.Context, a cocoon.Account) (*purse, error) {
	if held := p.rows.purses[a]; held != nil {
		return held, nil
	}
	held, err := readPurse(ctx, p.tx, a)
	return &held, err
}

// within says whether a was one of our contracts at the time of event seq.
func (p projector) within(ctx context.Context, a cocoon.Account, seq uint64) (bool, error) {
	born, known := p.rows.births[a]
	if !known {
		err := p.tx.QueryRowContext(ctx, `SELECT seq FROM contracts WHERE account = ?`, a[:]).Scan(&born)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
		p.rows.births[a] = born
	}
	return born != 0 && born <= seq, nil
}
