package indexer

import (
	"context"
	"database/sql"
	"errors"
	"math/big"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// declared is the demand that counts of a channel: none once it is closed.
func (c *channelRecord) declared() *market.Demand {
	if c.Closed {
		return nil
	}
	return c.Demand
}

// redeclare moves what a channel declares from what it was to what it is.
func (p projector) redeclare(ctx context.Context, o *occurrence, was, is *market.Demand) error {
	if was == is {
		return nil
	}
	if was != nil {
		if err := p.demand(ctx, o, was.Model, -1, new(big.Int).Neg(new(big.Int).SetUint64(was.Tokens))); err != nil {
			return err
		}
	}
	if is != nil {
		return p.demand(ctx, o, is.Model, 1, new(big.Int).SetUint64(is.Tokens))
	}
	return nil
}

// demand adds channels and tokens to what is declared of a model.
func (p projector) demand(ctx context.Context, o *occurrence, model cocoon.ModelID, channels int, tokens *big.Int) error {
	var text string
	err := p.tx.QueryRowContext(ctx, `SELECT tokens FROM demand WHERE model = ?`, model[:]).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = p.tx.ExecContext(ctx, `INSERT INTO demand (seq, model, channels, tokens) VALUES (?, ?, ?, ?)`, o.Seq, model[:], channels, tokens.String())
		return err
	}
	if err != nil {
		return err
	}
	held, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return cocoon.Internal.Errorf("demand of model %s: %q is no number", model, text)
	}
	_, err = p.tx.ExecContext(ctx, `UPDATE demand SET channels = channels + ?, tokens = ? WHERE model = ?`, channels, held.Add(held, tokens).String(), model[:])
	return err
}
