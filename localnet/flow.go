package localnet

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// flow is where the money of a block came from and went, in nanoTON. Nothing is
// created or recovered on this chain; minted and burned is what changes by hand
// made of nothing, or into nothing.
type flow struct {
	before, after      *big.Int // balances of all accounts
	imported, exported *big.Int // messages taken from the queue and put into it
	fees               *big.Int // collected, those imported from shard blocks included
	shardFees          *big.Int
	minted, burned     *big.Int
}

// measureFlow adds a block up and fails where it does not. sums are the extras of
// its descriptors: what came in, what went out, what account blocks collected.
func measureFlow(before, after, shardFees *big.Int, d *draft, sums [3]*cell.Cell) (flow, error) {
	var imports tlb.ImportFees
	var exported, collected tlb.CurrencyCollection
	for i, into := range []any{&imports, &exported, &collected} {
		if err := tlb.Parse(into, sums[i]); err != nil {
			return flow{}, err
		}
	}
	f := flow{before: before, after: after, imported: imports.ValueImported.Coins.Nano(), exported: exported.Coins.Nano(),
		fees: sum(collected.Coins.Nano(), imports.FeesCollected.Nano(), shardFees), shardFees: shardFees, minted: d.minted, burned: d.burned}
	if in, out := sum(f.before, f.imported, f.shardFees, f.minted), sum(f.after, f.exported, f.fees, f.burned); in.Cmp(out) != 0 {
		return flow{}, fmt.Errorf("value flow does not add up: %s came in, %s went out", in, out)
	}
	return f, nil
}

func sum(ns ...*big.Int) *big.Int {
	total := new(big.Int)
	for _, n := range ns {
		total.Add(total, n)
	}
	return total
}

// cell is value_flow#b8e48dfb or, where something is burned, value_flow_v2#3ebf98b7.
func (f flow) cell() (*cell.Cell, error) {
	zero := new(big.Int)
	balances, err := storeCurrencies(cell.BeginCell(), f.before, f.after, f.imported, f.exported)
	if err != nil {
		return nil, err
	}
	// fees_imported recovered created minted
	created, err := storeCurrencies(cell.BeginCell(), f.shardFees, zero, zero, f.minted)
	if err != nil {
		return nil, err
	}
	tag, collected := uint64(0xb8e48dfb), []*big.Int{f.fees}
	if f.burned.Sign() > 0 {
		tag, collected = 0x3ebf98b7, append(collected, f.burned)
	}
	b, err := storeCurrencies(cell.BeginCell().MustStoreUInt(tag, 32).MustStoreRef(balances.EndCell()), collected...)
	if err != nil {
		return nil, err
	}
	return b.MustStoreRef(created.EndCell()).EndCell(), nil
}

// storeCurrencies appends a CurrencyCollection for each amount.
func storeCurrencies(b *cell.Builder, amounts ...*big.Int) (*cell.Builder, error) {
	for _, n := range amounts {
		if err := b.StoreBigCoins(n); err != nil {
			return nil, err
		}
		if err := b.StoreBoolBit(false); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func currencies(n *big.Int) tlb.CurrencyCollection {
	return tlb.CurrencyCollection{Coins: tlb.FromNanoTON(n)}
}

// totalBalance is what all accounts hold together, as their dictionary says.
func totalBalance(accounts *tlb.ShardAccountsAugDict) (*big.Int, error) {
	extra, err := accounts.LoadRootExtra()
	if err != nil {
		return nil, err
	}
	var info tlb.DepthBalanceInfo
	if err = tlb.LoadFromCell(&info, extra); err != nil {
		return nil, err
	}
	return info.Currencies.Coins.Nano(), nil
}

// statsCell is the part of a shard state with its totals: overload_history
// underload_history total_balance total_validator_fees libraries master_ref.
func statsCell(l load, balance, validatorFees *big.Int, libraries *cell.Cell, master *block) (*cell.Cell, error) {
	b, err := storeCurrencies(cell.BeginCell().MustStoreUInt(l.over, 64).MustStoreUInt(l.under, 64), balance, validatorFees)
	if err != nil {
		return nil, err
	}
	if err = b.StoreMaybeRef(libraries); err != nil {
		return nil, err
	}
	b.MustStoreBoolBit(master != nil)
	if master != nil {
		ref, err := tlb.ToCell(master.ref())
		if err != nil {
			return nil, err
		}
		b.MustStoreBuilder(ref.ToBuilder())
	}
	return b.EndCell(), nil
}
