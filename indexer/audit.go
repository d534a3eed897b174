package indexer

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Difference is something that the tables say otherwise than the chain.
type Difference struct {
	Account cocoon.Account `json:"account"`
	Kind    string         `json:"contract"`
	What    string         `json:"what"`
	Indexed string         `json:"indexed"`
	Proven  string         `json:"proven"`
}

// Audit compares what the tables say of every contract, its balance and its
// state, with the account as proven at the block they stand at. The liteserver
// must still keep that block's state. No difference is none found.
func (x *Indexer) Audit(ctx context.Context) (found []Difference, err error) {
	a, err := x.runAudit(ctx)
	if err != nil {
		return nil, err
	}
	return a.found, nil
}

func (x *Indexer) runAudit(ctx context.Context) (a auditor, err error) {
	err = x.store.read.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
		a = auditor{ctx: ctx, tx: tx, chain: x.cfg.Chain, registry: x.cfg.Registry}
		if err := a.audit(); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		return nil
	})
	return a, err
}

// auditor reads one snapshot of the tables.
type auditor struct {
	ctx   context.Context // of the one call of Audit that it serves
	tx    bun.Tx
	chain Chain
	found []Difference

	registry cocoon.Account

	seqno     uint32 // of the snapshot
	time      uint32 // of that block
	contracts int    // looked at
}

type audited struct {
	account cocoon.Account
	kind    wrappers.Kind
	seq     uint64
}

func (a *auditor) audit() error {
	at, err := a.block()
	if err != nil || at == nil {
		return err
	}
	list, err := a.list()
	if err != nil {
		return err
	}
	var held cocoon.Nano
	for _, c := range list {
		proven, err := a.chain.AccountAt(a.ctx, at, c.account)
		if err != nil {
			return err
		}
		if err = a.compare(c, proven); err != nil {
			return fmt.Errorf("%s %s: %w", c.kind, c.account, err)
		}
		if held, err = held.Add(proven.Balance); err != nil {
			return err
		}
		a.contracts++
	}
	return a.compareMoney(a.registry, held)
}

// block is the block the snapshot stands at, nil before the first.
func (a *auditor) block() (*ton.BlockIDExt, error) {
	var root []byte
	if err := a.tx.QueryRowContext(a.ctx, `SELECT seqno, root, time FROM cursor`).Scan(&a.seqno, &root, &a.time); err != nil || len(root) == 0 {
		return nil, err
	}
	at, err := a.chain.WaitSeqno(a.ctx, a.seqno)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(at.RootHash, root) {
		return nil, otherChain("block %d was indexed with root %x and has root %x now", a.seqno, root, at.RootHash)
	}
	return at, nil
}

func (a *auditor) list() (list []audited, err error) {
	rows, err := a.tx.QueryContext(a.ctx, `SELECT account, kind, seq FROM contracts ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c audited
		var account []byte
		if err = rows.Scan(&account, &c.kind, &c.seq); err != nil {
			return nil, err
		}
		c.account = cocoon.Account(account)
		list = append(list, c)
	}
	return list, rows.Err()
}

func (a *auditor) compare(c audited, proven chain.Account) error {
	held, err := readPurse(a.ctx, a.tx, c.account)
	if err != nil {
		return err
	}
	balance, err := held.balance()
	if err != nil {
		return err
	}
	a.note(c, "balance", balance.Text(), proven.Balance.Text())
	if proven.State != chain.Active {
		a.note(c, "status", string(chain.Active), string(proven.State))
		return nil
	}
	state, err := stateOf(c.kind, proven.Data)
	if err != nil {
		a.note(c, "state", "", err.Error())
		return nil
	}
	if err = a.compareDoc(c, state); err != nil {
		return err
	}
	if err = a.compareKeys(c, proven.Data); err != nil {
		return err
	}
	switch c.kind {
	case wrappers.KindProvider:
		return a.compareWorkers(c, proven.Data)
	case wrappers.KindEpoch:
		return a.compareLeaves(c, proven.Data)
	case wrappers.KindRegistry:
		return a.compareLists(c, proven.Data)
	}
	return nil
}

func (a *auditor) note(c audited, what, indexed, proven string) {
	if indexed != proven {
		a.found = append(a.found, Difference{c.account, string(c.kind), what, indexed, proven})
	}
}

// readPurse is the purse of a, empty where nothing was booked.
func readPurse(ctx context.Context, db bun.IDB, a cocoon.Account) (purse, error) {
	var received, sent, fees string
	err := db.QueryRowContext(ctx, `SELECT received, sent, fees FROM balances WHERE account = ?`, a[:]).Scan(&received, &sent, &fees)
	if errors.Is(err, sql.ErrNoRows) {
		return purse{}, nil
	}
	if err != nil {
		return purse{}, err
	}
	return parsePurse(received, sent, fees)
}
