package indexer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// epochState is an epoch's state but for its claims, which the table of leaves keeps.
type epochState struct {
	Rewards   cocoon.Account      `json:"rewards"`
	Number    uint32              `json:"number"`
	Attempt   uint16              `json:"attempt"`
	Opened    *epochOpened        `json:"opened"` // nil before open came
	Phase     wrappers.EpochPhase `json:"phase"`
	Until     uint32              `json:"until"`
	Cursor    uint32              `json:"cursor"`
	Published uint32              `json:"published"`
	Paid      cocoon.Nano         `json:"paid"`
	Sum       cocoon.Nano         `json:"sum"`
	Last      cocoon.Account      `json:"last"` // provider published; once failed, the one that proved it
}

type epochOpened struct {
	Root       key                 `json:"root"`
	Total      cocoon.Nano         `json:"total"`
	Count      uint32              `json:"count"`
	ReceiptKey key                 `json:"receipt_key"`
	Terms      wrappers.EpochTerms `json:"terms"`
}

func epochStateOf(e wrappers.Epoch) epochState {
	s := epochState{Rewards: e.Birth.Rewards, Number: e.Birth.Number, Attempt: e.Birth.Attempt, Phase: e.Phase, Until: e.Until, Cursor: e.Cursor,
		Published: e.Published, Paid: e.Paid, Sum: e.Sum, Last: e.Last}
	if e.Opened != nil {
		s.Opened = &epochOpened{e.Opened.Root, e.Opened.Total.Nano, e.Opened.Count, e.Opened.ReceiptKey, *e.Opened.Terms}
	}
	return s
}

// columns implements indexedState.
func (s epochState) columns() []any { return []any{s.Opened != nil, s.Rewards[:]} }

// epoch applies what contracts/epoch.fc does with an event.
func (p projector) epoch(ctx context.Context, o *occurrence, s *epochState) error {
	switch o.Name {
	case bounce: // failed came back with its money, and may be sent again
		return nil
	case "open":
		m, err := message[wrappers.Open](o)
		if err != nil {
			return err
		}
		s.Opened = &epochOpened{m.Root, m.Total.Nano, m.Count, m.ReceiptKey, *m.Terms}
		s.Until = o.Time + m.Terms.Publish
		return nil
	}
	if s.Opened == nil {
		return fmt.Errorf("%w: an epoch that takes %s unopened", errUnread, o.Name)
	}
	switch o.Name {
	case "publish":
		return p.publish(ctx, o, s)
	case "prove":
		return s.prove(o)
	case "fail":
		if s.Phase != wrappers.EpochFailed { // else failed goes out again, with what was proven
			s.Phase, s.Last = wrappers.EpochFailed, cocoon.Account{}
		}
	case "pass":
		if s.Phase == wrappers.EpochWindow {
			s.Phase, s.Until = wrappers.EpochPaying, o.Time+s.Opened.Terms.Expiry
		}
	case "push":
		return p.push(ctx, o, s)
	case "claim":
		return p.claim(ctx, o, s)
	case "finish":
		s.Phase = wrappers.EpochFinished
	default:
		return fmt.Errorf("%w: an epoch that takes %s", errUnread, o.Name)
	}
	return nil
}

func (s *epochState) prove(o *occurrence) error {
	m, err := message[wrappers.Prove](o)
	if err != nil {
		return err
	}
	receipt, err := order[earned](m.Receipt)
	s.Phase, s.Last = wrappers.EpochFailed, receipt.Provider
	return err
}

func (p projector) publish(ctx context.Context, o *occurrence, s *epochState) error {
	m, err := message[wrappers.Publish](o)
	if err != nil {
		return err
	}
	leaves, err := wrappers.LeavesOfPage(m.Page, s.Opened.Root, int(m.From), int(m.Count))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	for i, l := range leaves {
		if err = increase(&s.Sum, l.Amount.Nano); err != nil {
			return err
		}
		if _, err = p.tx.ExecContext(ctx, `INSERT INTO leaves (epoch, idx, provider, amount, requests, tokens, failures, uptime, p50, claimed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`, p.birthOf(o), int(m.From)+i, l.Provider[:], l.Amount.Text(), l.Requests,
			strconv.FormatUint(l.Tokens, 10), l.Failures, l.UptimeBps, l.P50Ms); err != nil {
			return err
		}
		s.Last = l.Provider
	}
	if s.Published += uint32(len(leaves)); s.Published == s.Opened.Count {
		s.Phase, s.Until = wrappers.EpochWindow, o.Time+s.Opened.Terms.Window
	}
	return nil
}

// push pays the leaves of a page that were not claimed before.
func (p projector) push(ctx context.Context, o *occurrence, s *epochState) error {
	m, err := message[wrappers.Push](o)
	if err != nil {
		return err
	}
	rows, err := p.tx.QueryContext(ctx, `SELECT amount FROM leaves WHERE epoch = ? AND idx >= ? AND idx < ? AND claimed = 0`, p.birthOf(o), m.From, m.From+uint32(m.Count))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err = rows.Scan(&text); err != nil {
			return err
		}
		amount, err := cocoon.ParseNano(text)
		if err = errors.Join(err, increase(&s.Paid, amount)); err != nil {
			return err
		}
	}
	s.Cursor += uint32(m.Count)
	return rows.Err()
}

func (p projector) claim(ctx context.Context, o *occurrence, s *epochState) error {
	m, err := message[wrappers.Claim](o)
	if err != nil {
		return err
	}
	var text string
	err = p.tx.QueryRowContext(ctx, `UPDATE leaves SET claimed = 1 WHERE epoch = ? AND idx = ? RETURNING amount`, p.birthOf(o), m.Index).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: leaf %d was never published", errUnread, m.Index)
	}
	if err != nil {
		return err
	}
	amount, err := cocoon.ParseNano(text)
	return errors.Join(err, increase(&s.Paid, amount))
}
