package indexer

import (
	"context"

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
func (p projector) link(o *occurrence) error {
	last := p.last(o.Account)
	if o.prev != last {
		return cocoon.WithHint(cocoon.Conflict.Errorf("transaction %s of %s follows %x (lt %d), the log has %x (lt %d) last: one between them was never read",
			o.Tx, o.Account, o.prev.tx, o.prev.lt, last.tx, last.lt), "a log with a hole is of no use: index again into another --data folder, and report what you see here")
	}
	p.rows.links[o.Account] = &o.next
	return nil
}

// last is the newest transaction of a in the log.
func (p projector) last(a cocoon.Account) link {
	if held := p.rows.links[a]; held != nil {
		return *held
	}
	return link{}
}

func (p projector) flushLinks(ctx context.Context) error {
	u := upsert{table: "links", key: []string{"account"}, columns: []string{"account", "lt", "tx"}}
	for account, l := range p.rows.links {
		u.rows = append(u.rows, []any{account[:], l.lt, l.tx[:]})
	}
	return u.run(ctx, p.tx)
}
