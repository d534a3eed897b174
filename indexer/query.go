package indexer

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// span is a part of a list, which is in the order in which things began.
type span struct {
	after uint64 // number of the item before the first
	limit int    // 0 means all
}

// numbered is an item of a list with what it is ordered by.
type numbered[T any] struct {
	number uint64
	item   T
}

func items[T any](list []numbered[T], err error) ([]T, error) {
	all := make([]T, len(list))
	for i, n := range list {
		all[i] = n.item
	}
	return all, err
}

// only is the one item that was asked for by its account.
func only[T any](list []numbered[T], err error, what string, a cocoon.Account) (none T, _ error) {
	if err != nil {
		return none, err
	}
	if len(list) == 0 {
		return none, cocoon.NotFound.Errorf("no %s of this registry is at %s", what, a)
	}
	return list[0].item, nil
}

// collect reads the rows that q selects of db within s; column tells what they are ordered by.
func collect[T any](ctx context.Context, db *store, q *bun.SelectQuery, column string, s span, scan func(*sql.Rows) (uint64, T, error)) ([]numbered[T], error) {
	q = q.OrderExpr(column)
	if s.after > 0 {
		q = q.Where(column+" > ?", s.after)
	}
	if s.limit > 0 {
		q = q.Limit(int64(s.limit))
	}
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, db.explainRead(err)
	}
	defer rows.Close()
	list := []numbered[T]{}
	for rows.Next() {
		number, item, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %s %d: %w", column, number, err)
		}
		list = append(list, numbered[T]{number, item})
	}
	return list, db.explainRead(rows.Err())
}

// narrowed is q for one account; nil means all.
func narrowed(q *bun.SelectQuery, column string, a *cocoon.Account) *bun.SelectQuery {
	if a == nil {
		return q
	}
	return q.Where("? = ?", bun.Ident(column), a[:])
}

// stated is a contract with its state and its money, as a row holds them.
type stated[S any] struct {
	seq     uint64
	account cocoon.Account
	state   S
	purse   purse
}

// fromStates selects the contracts of a table with their money.
func (x *Indexer) fromStates(table string) *bun.SelectQuery {
	return x.store.read.NewSelect().TableExpr("? AS t", bun.Ident(table)).Join("JOIN balances AS b ON b.account = t.account").
		ColumnExpr("t.seq, t.account, t.doc, b.received, b.sent, b.fees")
}

func scanState[S any](rows *sql.Rows, more ...any) (s stated[S], err error) {
	var account []byte
	var doc, received, sent, fees string
	if err = rows.Scan(append([]any{&s.seq, &account, &doc, &received, &sent, &fees}, more...)...); err != nil {
		return s, err
	}
	s.account = cocoon.Account(account)
	if err = json.Unmarshal([]byte(doc), &s.state); err != nil {
		return s, err
	}
	s.purse, err = parsePurse(received, sent, fees)
	return s, err
}

// Money is what all contracts together received, paid, burnt and hold.
func (x *Indexer) Money(ctx context.Context) (market.Money, error) {
	m, err := readMoney(ctx, x.store.read)
	return m, x.store.explainRead(err)
}

// Contracts are all our contracts in the order of their births.
func (x *Indexer) Contracts(ctx context.Context) ([]market.Contract, error) {
	return items(x.contracts(ctx, span{}, nil))
}

// Contract is the contract at a; NotFound where it is not ours.
func (x *Indexer) Contract(ctx context.Context, a cocoon.Account) (market.Contract, error) {
	list, err := x.contracts(ctx, span{limit: 1}, &a)
	return only(list, err, "contract", a)
}

func (x *Indexer) contracts(ctx context.Context, s span, a *cocoon.Account) ([]numbered[market.Contract], error) {
	q := x.store.read.NewSelect().TableExpr("contracts AS t").Join("JOIN balances AS b ON b.account = t.account").
		ColumnExpr("t.seq, t.account, t.kind, b.received, b.sent, b.fees")
	return collect(ctx, x.store, narrowed(q, "t.account", a), "t.seq", s, func(rows *sql.Rows) (uint64, market.Contract, error) {
		var c market.Contract
		var account []byte
		var received, sent, fees string
		if err := rows.Scan(&c.Seq, &account, &c.Kind, &received, &sent, &fees); err != nil {
			return 0, c, err
		}
		p, err := parsePurse(received, sent, fees)
		if err != nil {
			return c.Seq, c, err
		}
		c.Account, c.Received, c.Sent, c.Fees = cocoon.Account(account), p.received, p.sent, p.fees
		c.Balance, err = p.balance()
		return c.Seq, c, err
	})
}
