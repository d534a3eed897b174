package dispatcher

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// service is what was measured of one worker since the last epoch was planned.
type service struct {
	Worker   []byte
	Provider []byte
	GPUs     uint64 `bun:"gpus"`
	Up       uint64 // seconds, of Total
	Total    uint64
	Requests uint64
	Tokens   uint64
	Failures uint64
	P50      uint32 `bun:"p50_ms"`
}

// measured is how many seconds of the chain the longest measured worker was watched.
func (s *store) measured(ctx context.Context) (seconds uint32, err error) {
	if err = s.db.NewRaw(`SELECT coalesce(max(total), 0) FROM service`).Scan(ctx, &seconds); err != nil {
		return 0, fmt.Errorf("load service: %w", err)
	}
	return seconds, nil
}

// services is what was measured of all workers.
func (s *store) services(ctx context.Context) (all []service, err error) {
	if err = s.db.NewRaw(`SELECT * FROM service ORDER BY worker`).Scan(ctx, &all); err != nil {
		return nil, fmt.Errorf("load service: %w", err)
	}
	return all, nil
}

// staked keeps what workers did whose providers stand by their stake now.
func (k *keeper) staked(ctx context.Context, all []service) ([]service, error) {
	providers, err := k.deps.Index.Providers(ctx)
	if err != nil {
		return nil, fmt.Errorf("read providers: %w", err)
	}
	staked := map[cocoon.Account]bool{}
	for _, p := range providers {
		staked[p.Account] = p.Terms != "" && p.Stake.Cmp(p.Required) >= 0
	}
	return slices.DeleteFunc(slices.Clone(all), func(s service) bool { return !staked[cocoon.Account(s.Provider)] }), nil
}

// split pays what has to be paid at least, and divides rest among providers by
// the GPU seconds in which their workers were up, counting only workers that were
// up for minUptime of the time. Shares are rounded down: what is left stays in
// the pot. README.md tells providers so.
func split(all []service, least amounts, rest cocoon.Nano, minUptime uint16) ([]wrappers.Leaf, error) {
	byProvider := map[cocoon.Account]*share{}
	for p := range least {
		byProvider[p] = &share{weight: new(big.Int)}
	}
	sum := new(big.Int)
	for _, s := range all {
		p := cocoon.Account(s.Provider)
		if byProvider[p] == nil {
			byProvider[p] = &share{weight: new(big.Int)}
		}
		if weight := byProvider[p].add(s, minUptime); weight != nil {
			sum.Add(sum, weight)
		}
	}
	var leaves []wrappers.Leaf
	for p, s := range byProvider {
		amount := least[p]
		if s.weight.Sign() > 0 {
			part := new(big.Int).Mul(rest.Big(), s.weight)
			nano, err := cocoon.NanoFromBig(part.Quo(part, sum))
			if err == nil {
				amount, err = amount.Add(nano)
			}
			if err != nil {
				return nil, err
			}
		}
		if !amount.IsZero() {
			leaves = append(leaves, s.leaf(p, amount))
		}
	}
	slices.SortFunc(leaves, ascending)
	return leaves, nil
}

func ascending(a, b wrappers.Leaf) int { return bytes.Compare(a.Provider[:], b.Provider[:]) }

// share is one provider's part of an epoch.
type share struct {
	weight                     *big.Int // GPU seconds up
	up, total                  uint64
	requests, tokens, failures uint64
	p50                        []uint32
}

// add counts one worker; it returns its weight, nil where it has none.
func (s *share) add(w service, minUptime uint16) *big.Int {
	s.up, s.total = s.up+w.Up, s.total+w.Total
	s.requests, s.tokens, s.failures = s.requests+w.Requests, s.tokens+w.Tokens, s.failures+w.Failures
	if w.P50 > 0 {
		s.p50 = append(s.p50, w.P50)
	}
	if w.Up == 0 || w.Up*10_000 < w.Total*uint64(minUptime) {
		return nil
	}
	weight := new(big.Int).Mul(new(big.Int).SetUint64(w.GPUs), new(big.Int).SetUint64(w.Up))
	s.weight.Add(s.weight, weight)
	return weight
}

func (s *share) leaf(p cocoon.Account, amount cocoon.Nano) wrappers.Leaf {
	l := wrappers.Leaf{Provider: p, Amount: wrappers.Coins{Nano: amount}, Tokens: s.tokens,
		Requests: uint32(min(s.requests, math.MaxUint32)), Failures: uint32(min(s.failures, math.MaxUint32))}
	if s.total > 0 {
		l.UptimeBps = uint16(s.up * 10_000 / s.total)
	}
	if len(s.p50) > 0 {
		slices.Sort(s.p50)
		l.P50Ms = s.p50[len(s.p50)/2]
	}
	return l
}

// raise lets leaves pay what they have to at least.
func raise(leaves []wrappers.Leaf, least amounts) []wrappers.Leaf {
	raised, there := slices.Clone(leaves), map[cocoon.Account]bool{}
	for i, l := range raised {
		there[l.Provider] = true
		if n := least[l.Provider]; n.Cmp(l.Amount.Nano) > 0 {
			raised[i].Amount.Nano = n
		}
	}
	for p, n := range least {
		if !there[p] {
			raised = append(raised, wrappers.Leaf{Provider: p, Amount: wrappers.Coins{Nano: n}})
		}
	}
	slices.SortFunc(raised, ascending)
	return raised
}

// shrink takes every leaf down alike so that their sum is within limit, none
// below what it has to pay at least. Leaves that would be paid nothing are left out.
func shrink(leaves []wrappers.Leaf, least amounts, limit cocoon.Nano) ([]wrappers.Leaf, error) {
	leaves = raise(leaves, least)
	needed, err := least.sum()
	if err != nil {
		return nil, err
	}
	above, sum := make([]cocoon.Nano, len(leaves)), cocoon.Nano{}
	for i, l := range leaves {
		above[i] = less(l.Amount.Nano, least[l.Provider])
		if sum, err = sum.Add(above[i]); err != nil {
			return nil, err
		}
	}
	rest := less(limit, needed)
	if sum.Cmp(rest) <= 0 {
		return leaves, nil
	}
	var smaller []wrappers.Leaf
	for i, l := range leaves {
		part := new(big.Int).Mul(above[i].Big(), rest.Big())
		nano, err := cocoon.NanoFromBig(part.Quo(part, sum.Big()))
		if err == nil {
			l.Amount.Nano, err = least[l.Provider].Add(nano)
		}
		if err != nil {
			return nil, err
		}
		if !l.Amount.IsZero() {
			smaller = append(smaller, l)
		}
	}
	return smaller, nil
}
