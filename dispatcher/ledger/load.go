package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

// loader reads the tables, in the order in which rows need each other.
type loader struct {
	ctx   context.Context
	db    *bun.DB
	state *state
}

// each calls f with every row of a query.
func (l *loader) each(f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := l.db.QueryContext(l.ctx, query, args...)
	if err != nil {
		return err
	}
	for err == nil && rows.Next() {
		err = f(rows.Scan)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

// object reads a column of JSON.
type object struct{ to any }

// Scan implements sql.Scanner.
func (o object) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return cocoon.Internal.Errorf("a column of JSON holds %T", v)
	}
	return json.Unmarshal([]byte(text), o.to)
}

// fixed reads a column of as many bytes as to has.
type fixed struct{ to []byte }

// Scan implements sql.Scanner.
func (f fixed) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(f.to) {
		return cocoon.Internal.Errorf("a column of %d bytes holds %T", len(f.to), v)
	}
	copy(f.to, b)
	return nil
}

// amount reads a column of nanoTON.
type amount struct{ to *cocoon.Nano }

// Scan implements sql.Scanner.
func (a amount) Scan(v any) (err error) {
	text, ok := v.(string)
	if !ok {
		return cocoon.Internal.Errorf("an amount is held as %T", v)
	}
	*a.to, err = cocoon.ParseNano(text)
	return err
}

var _ = []sql.Scanner{object{}, fixed{}, amount{}}

func (l *loader) channels() error {
	return l.each(func(scan func(...any) error) error {
		c := newChannel(cocoon.Account{})
		var account cocoon.Account
		if err := scan(fixed{account[:]}, object{c}); err != nil {
			return err
		}
		c.Facts.Account = account
		l.state.channels[account] = c
		return nil
	}, `SELECT account, state FROM channels`)
}

// requests are counted in their channels, whose sums are then right.
func (l *loader) requests() error {
	err := l.each(func(scan func(...any) error) error {
		rq := &request{}
		if err := scan(object{rq}); err != nil {
			return err
		}
		l.state.adopt(rq)
		return nil
	}, `SELECT state FROM requests`)
	for _, c := range l.state.channels {
		l.state.refresh(c, c.Since)
	}
	return err
}

func (l *loader) boots() error {
	err := l.each(func(scan func(...any) error) error {
		var key boot
		b := &session{above: map[uint32]bool{}}
		if err := scan(fixed{key.Provider[:]}, fixed{key.Key[:]}, fixed{key.Boot[:]}, &b.Ack, &b.Certificate, &b.Until); err != nil {
			return err
		}
		l.state.boots[key] = b
		return nil
	}, `SELECT provider, worker, boot, ack, certificate, until FROM boots`)
	if err != nil {
		return err
	}
	return l.each(func(scan func(...any) error) error {
		var key boot
		var number uint32
		if err := scan(fixed{key.Provider[:]}, fixed{key.Key[:]}, fixed{key.Boot[:]}, &number); err != nil {
			return err
		}
		l.state.boots[key].above[number] = true
		return nil
	}, `SELECT provider, worker, boot, number FROM receipts JOIN boots USING (provider, worker, boot) WHERE number > ack`)
}

func (l *loader) workers() error {
	return l.each(func(scan func(...any) error) error {
		var key worker
		r := &record{}
		if err := scan(fixed{key.Provider[:]}, fixed{key.Key[:]}, object{r}); err != nil {
			return err
		}
		l.state.workers[key] = r
		return nil
	}, `SELECT provider, worker, state FROM workers`)
}

// claims are those of numbers that have not passed; what they lack of a receipt is due at once.
func (l *loader) claims() error {
	return l.each(func(scan func(...any) error) error {
		var n uint32
		var provider cocoon.Account
		var read claim
		if err := scan(&n, fixed{provider[:]}, amount{&read.Payable}, amount{&read.Earned}); err != nil {
			return err
		}
		of, c := l.state.claim(n, provider)
		*c = read
		of.payable, of.earned = of.payable.Plus(c.Payable), of.earned.Plus(c.Earned)
		return nil
	}, `SELECT number, provider, payable, earned FROM claims WHERE number >= ?`, l.state.Facts.Number)
}
