package indexer

import (
	"context"
	"database/sql"
	"slices"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// foresee reads the rows that a page of events will, each table with one question
// for many: what is not held afterwards is not there.
func (p projector) foresee(ctx context.Context, page []occurrence) error {
	accounts := map[string]distinct{} // by table
	var all, senders distinct
	for i := range page {
		o := &page[i]
		table := stateTables[wrappers.Kind(o.Contract)]
		accounts[table] = accounts[table].with(o.Account)
		all, senders = all.with(o.Account), senders.with(o.From)
	}
	for table, list := range accounts {
		if err := p.readDocs(ctx, table, list); err != nil {
			return err
		}
	}
	if err := p.readPurses(ctx, all); err != nil {
		return err
	}
	return p.readBirths(ctx, senders)
}

// distinct are accounts, each once, as a question names them.
type distinct struct {
	seen map[cocoon.Account]bool
	list [][]byte
}

func (d distinct) with(a cocoon.Account) distinct {
	if d.seen == nil {
		d.seen = map[cocoon.Account]bool{}
	}
	if !d.seen[a] {
		d.seen[a] = true
		d.list = append(d.list, a[:])
	}
	return d
}

// askedFor is how many rows one question names.
const askedFor = 500

// readAll asks for the rows of accounts, and reads each.
func (p projector) readAll(ctx context.Context, d distinct, query string, read func(*sql.Rows) error, args ...any) error {
	for part := range slices.Chunk(d.list, askedFor) {
		rows, err := p.tx.QueryContext(ctx, query+` WHERE account IN (?)`, append(args, bun.List(part))...)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err = read(rows); err != nil {
				return err
			}
		}
		if err = rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (p projector) readDocs(ctx context.Context, table string, d distinct) error {
	return p.readAll(ctx, d, `SELECT seq, account, doc FROM ?`, func(rows *sql.Rows) error {
		k, account := &kept{}, []byte{}
		if err := rows.Scan(&k.seq, &account, &k.doc); err != nil {
			return err
		}
		p.rows.docs[place{table, cocoon.Account(account)}] = k
		return nil
	}, bun.Ident(table))
}

func (p projector) readPurses(ctx context.Context, d distinct) error {
	return p.readAll(ctx, d, `SELECT account, received, sent, fees FROM balances`, func(rows *sql.Rows) error {
		var account []byte
		var received, sent, fees string
		if err := rows.Scan(&account, &received, &sent, &fees); err != nil {
			return err
		}
		held, err := parsePurse(received, sent, fees)
		p.rows.purses[cocoon.Account(account)] = &held
		return err
	})
}

func (p projector) readBirths(ctx context.Context, d distinct) error {
	return p.readAll(ctx, d, `SELECT account, seq FROM contracts`, func(rows *sql.Rows) error {
		var account []byte
		var seq uint64
		if err := rows.Scan(&account, &seq); err != nil {
			return err
		}
		p.rows.births[cocoon.Account(account)] = seq
		return nil
	})
}

// foreseeLinks reads what link will.
func (p projector) foreseeLinks(ctx context.Context, page []occurrence) error {
	var all distinct
	for i := range page {
		all = all.with(page[i].Account)
	}
	return p.readAll(ctx, all, `SELECT account, lt, tx FROM links`, func(rows *sql.Rows) error {
		var account, tx []byte
		l := &link{}
		if err := rows.Scan(&account, &l.lt, &tx); err != nil {
			return err
		}
		copy(l.tx[:], tx)
		p.rows.links[cocoon.Account(account)] = l
		return nil
	})
}
