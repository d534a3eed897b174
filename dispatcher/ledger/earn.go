package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// ripeAge is how long a commit may wait for the receipt that promises it, in seconds.
const ripeAge = 10

// Ripe lists the providers that are owed a new receipt now: for 0.01 TON, or for
// what is 10 s old. What bounds forbid to promise stays in it.
func (l *Ledger) Ripe(now time.Time) (providers []cocoon.Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, of := range l.state.numbers {
		if !l.state.signable(n) {
			continue
		}
		for provider, c := range of.claims {
			rest := c.Payable.Minus(c.Earned)
			if !rest.IsZero() && (rest.Cmp(bound.Earn()) >= 0 || now.Unix()-c.since >= ripeAge) {
				providers = append(providers, provider)
			}
		}
	}
	return providers
}

// signable reports whether receipts of n may be signed: the number before has been open.
func (s *state) signable(n uint32) bool { return n <= s.Number && n <= s.Opened+1 }

// Earned signs what provider has earned, in each number that is not over, as far
// as the bounds allow: first it is durable, then it is signed. Where they
// allow less than is owed, the error is ErrStopped beside what there is.
func (l *Ledger) Earned(ctx context.Context, provider cocoon.Account) ([]receipt.SignedEarned, error) {
	l.mu.Lock()
	promises, stopped, err := l.promise(provider)
	b := l.journal.pending()
	l.mu.Unlock()
	if err == nil && len(promises) > 0 {
		err = l.journal.wait(ctx, b)
	}
	if err != nil {
		return nil, fmt.Errorf("promise what %s earned: %w", provider, err)
	}
	signed := make([]receipt.SignedEarned, len(promises))
	for i, p := range promises {
		e := receipt.Earned{GlobalID: l.cfg.GlobalID, Rewards: l.cfg.Rewards, Number: p.Number, Provider: provider, Amount: p.Earned}
		if signed[i], err = sign(l.cfg.Signer, p.Number, e, func(s [64]byte) receipt.SignedEarned { return receipt.SignedEarned{Earned: e, Signature: s} }); err != nil {
			return nil, fmt.Errorf("sign what %s earned: %w", provider, err)
		}
	}
	if stopped {
		return signed, refused(cocoon.Unreachable, ErrStopped, "promise all that %s earned", provider)
	}
	return signed, nil
}

// sign signs what has a hash.
func sign[T any](by Signer, number uint32, v interface{ Hash() ([32]byte, error) }, with func([64]byte) T) (t T, err error) {
	h, err := v.Hash()
	if err != nil {
		return t, err
	}
	s, err := by.Sign(number, h)
	return with(s), err
}

// promise raises what is promised to provider as far as (5) allows.
func (l *Ledger) promise(provider cocoon.Account) (all []promised, stopped bool, err error) {
	s := l.state
	var numbers []uint32
	for n, of := range s.numbers {
		if of.claims[provider] != nil && s.signable(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		c := s.numbers[n].claims[provider]
		more := c.Payable.Minus(c.Earned)
		may := more
		if _, earned := s.unopened(); n > s.Facts.opened() {
			may = may.Min(s.limit().Minus(earned))
		}
		stopped = stopped || may != more
		p := promised{n, provider, c.Earned.Plus(may), l.now()}
		if !may.IsZero() {
			if _, err = l.do(&p); err != nil {
				return nil, stopped, err
			}
		}
		if !p.Earned.IsZero() {
			all = append(all, p)
		}
	}
	return all, stopped, nil
}
