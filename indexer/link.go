package indexer

import (
	"context"
	"database/sql"
	"errors"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// link names a transaction of an account; zero is before its first.
type link struct {
	lt uint64
	tx [32]byte
}

// linksOf are the transaction that tx says it follows, and what the next one
// of its account has to say. One that leaves no account is followed by a first one.
func linksOf(tx *tlb.Transaction) (prev, next link) {
	prev = link{lt: tx.PrevTxLT}
	copy(prev.tx[:], tx.PrevTxHash)
	if tx.EndStatus != tlb.AccountStatusNonExist {
		next = link{lt: tx.LT}
		copy(next.tx[:], tx.Hash)
	}
	return prev, next
}

// link checks that o follows what the log has last of its account: the log is
// complete, contract by contract, or the indexer stops.
func (p projector) link(ctx context.Context, o *occurrence) error {
	last, err := p.last(ctx, o.Account)
	if err != nil {
		return err
	}
	if o.prev != last {
		return cocoon.WithHint(cocoon.Conflict.Errorf("transaction %s of %s follows %x (lt %d), the log has %x (lt %d) last: one between them was never read",
			o.Tx, o.Account, o.prev.tx, o.prev.lt, last.tx, last.lt), "a log with a hole is of no use: index again into another --data folder, and report what you see here")
	}
	p.rows.links[o.Account] = &o.next
	return nil
}

// last is the newest transaction of a in the log.
func (p projector) last(ctx context.Context, a cocoon.Account) (l link, err error) {
	if held := p.rows.links[a]; held != nil {
		return *held, nil
	}
	var tx []byte
	err = p.tx.QueryRowContext(ctx, `SELECT lt, tx FROM links WHERE account = ?`, a[:]).Scan(&l.lt, &tx)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, nil
	}
	copy(l.tx[:], tx)
	return l, err
}

func (p projector) flushLinks(ctx context.Context) error {
	for account, l := range p.rows.links {
		if _, err := p.tx.ExecContext(ctx, `INSERT INTO links (account, lt, tx) VALUES (?0, ?1, ?2) ON CONFLICT (account) DO UPDATE SET lt = ?1, tx = ?2`,
			account[:], l.lt, l.tx[:]); err != nil {
			return err
		}
	}
	return nil
}
