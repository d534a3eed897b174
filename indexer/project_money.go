package indexer

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// purse is what one contract received, sent and burnt.
type purse struct{ received, sent, fees cocoon.Nano }

func (p purse) balance() (cocoon.Nano, error) {
	rest, err := p.received.Sub(p.sent)
	if err != nil {
		return rest, err
	}
	return rest.Sub(p.fees)
}

func parsePurse(received, sent, fees string) (p purse, err error) {
	return p, parseAll([]string{received, sent, fees}, &p.received, &p.sent, &p.fees)
}

func parseAll(texts []string, into ...*cocoon.Nano) (err error) {
	for i, n := range into {
		if *n, err = cocoon.ParseNano(texts[i]); err != nil {
			return err
		}
	}
	return nil
}

// book enters what an event moved, whether the contract took it or not.
func (p projector) book(ctx context.Context, o *occurrence) error {
	sent, err := sumOut(o.Out)
	if err != nil {
		return err
	}
	held := p.purse(o.Account)
	if err = errors.Join(increase(&held.received, o.Value), increase(&held.sent, sent), increase(&held.fees, o.Fees)); err != nil {
		return err
	}
	if _, err = held.balance(); err != nil {
		return err
	}
	p.rows.purses[o.Account] = &held
	return p.bookTotals(ctx, o, sent)
}

// bookTotals keeps the sums over all contracts. What one of them sends to
// another counts as paid while it is on its way.
func (p projector) bookTotals(ctx context.Context, o *occurrence, sent cocoon.Nano) error {
	m, err := p.totals(ctx)
	if err != nil {
		return err
	}
	if err = errors.Join(increase(&m.Paid, sent), increase(&m.Fees, o.Fees), increase(&m.Held, o.Value)); err != nil {
		return err
	}
	if !p.within(o.From, o.Seq) {
		err = increase(&m.Received, o.Value)
	} else {
		m.Paid, err = m.Paid.Sub(o.Value)
	}
	if err != nil {
		return err
	}
	if m.Held, err = (purse{m.Held, sent, o.Fees}).balance(); err != nil {
		return err
	}
	p.rows.money = &m
	return nil
}

// totals are the sums over all contracts as they are now.
func (p projector) totals(ctx context.Context) (market.Money, error) {
	if p.rows.money != nil {
		return *p.rows.money, nil
	}
	return readMoney(ctx, p.tx)
}

func (p projector) writeMoney(ctx context.Context, m market.Money) error {
	_, err := p.tx.ExecContext(ctx, `INSERT INTO money (id, received, paid, fees, held) VALUES (1, ?0, ?1, ?2, ?3)
		ON CONFLICT (id) DO UPDATE SET received = ?0, paid = ?1, fees = ?2, held = ?3`, m.Received.Text(), m.Paid.Text(), m.Fees.Text(), m.Held.Text())
	return err
}

func readMoney(ctx context.Context, db bun.IDB) (m market.Money, err error) {
	var received, paid, fees, held string
	err = db.QueryRowContext(ctx, `SELECT received, paid, fees, held FROM money`).Scan(&received, &paid, &fees, &held)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	return m, parseAll([]string{received, paid, fees, held}, &m.Received, &m.Paid, &m.Fees, &m.Held)
}

func sumOut(out []market.Out) (sum cocoon.Nano, err error) {
	for _, m := range out {
		if err = increase(&sum, m.Value); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// increase adds by to n.
func increase(n *cocoon.Nano, by cocoon.Nano) (err error) {
	*n, err = n.Add(by)
	return err
}

// decrease takes by from n.
func decrease(n *cocoon.Nano, by cocoon.Nano) (err error) {
	*n, err = n.Sub(by)
	return err
}
