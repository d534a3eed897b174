package indexer

import (
	"context"
	"math/big"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// The largest state a contract of ours is born with, code included; measured by
// TestBackfill_BirthsAreWithinTheBound.
const (
	birthCells = 100
	birthBits  = 50_000
)

// reserve is how long what a contract keeps back after each operation pays the
// rent of its largest state, in seconds.
const reserve = 5 * 365 * 86400

// endures makes sure that no contract can have lost its code or its account to
// rent since the log ends: one that is gone could not be found. As it was born, it
// owes too little; whatever it came to hold later, it holds with the reserve.
func (b *backfill) endures(ctx context.Context) error {
	from, err := b.since(ctx)
	if err != nil {
		return err
	}
	cfg, err := asking(ctx, b.Indexer, func() (*chain.Config, error) { return b.archive.ConfigAt(ctx, b.head.ID) })
	if err != nil {
		return err
	}
	rent, err := cfg.StorageFee(birthCells, birthBits, from, b.head.Time)
	if err != nil {
		return err
	}
	kept, err := leastReserve(cfg, from, b.head.Time)
	if err != nil {
		return err
	}
	limit := cocoon.NanoOf(cfg.Gas.FreezeDueLimit)
	if rent.Cmp(limit) > 0 || rent.Cmp(kept) > 0 {
		return incomplete("a contract that nobody pays for can be gone after %d days: its rent would be %s, of which it keeps %s back at least; owing %s freezes it",
			(b.head.Time-from)/86400, rent, kept, limit)
	}
	return nil
}

// leastReserve is the reserve of a contract as it was born, at the price of either
// of two times, whichever was lower.
func leastReserve(cfg *chain.Config, times ...uint32) (least cocoon.Nano, err error) {
	for i, at := range times {
		p, err := cfg.Params.GetStoragePrices(at)
		if err != nil {
			return least, err
		}
		rate := new(big.Int).Mul(new(big.Int).SetUint64(p.BitPrice), big.NewInt(birthBits)) // in 2^-16 nanoTON a second
		rate.Add(rate, new(big.Int).Mul(new(big.Int).SetUint64(p.CellPrice), big.NewInt(birthCells)))
		kept, err := cocoon.NanoFromBig(rate.Rsh(rate.Mul(rate, big.NewInt(reserve)), 16))
		if err != nil {
			return least, err
		}
		if i == 0 || kept.Cmp(least) < 0 {
			least = kept
		}
	}
	return least, nil
}

// since is the chain's time where the log ends or begins, in unix seconds.
func (b *backfill) since(ctx context.Context) (uint32, error) {
	if b.floor != nil {
		return b.floor.Time, nil
	}
	first, err := b.masterOf(ctx, 1)
	if err != nil {
		return 0, err
	}
	return first.Time, nil
}
