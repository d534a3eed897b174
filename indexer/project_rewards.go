package indexer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// What a rewards contract takes of terms at most; times are seconds.
const (
	maxPhase      = 7 * 86400
	maxExpiry     = 365 * 86400
	maxNetworkBps = 500
	maxHeirAfter  = 365 * 86400
	maxPenaltyBps = 10_000
)

// rewardsState is a rewards contract's state but for the cap of a retry, which
// depends on the price of rent.
type rewardsState struct {
	Registry  cocoon.Account `json:"registry"`
	Owner     cocoon.Account `json:"owner"`
	NextOwner cocoon.Account `json:"next_owner"`
	Heir      cocoon.Account `json:"heir"`
	Index     uint32         `json:"index"`
	SeenAt    uint32         `json:"seen_at"` // 0 before the first operation
	Owed      uint32         `json:"owed"`
	Bond      cocoon.Nano    `json:"bond"`
	Unbonding cocoon.Nano    `json:"unbonding"`
	Number    uint32         `json:"number"`
	Attempt   uint16         `json:"attempt"`
	Operator  cocoon.Account `json:"operator"`
	Pending   cocoon.Account `json:"pending"`
	Tranches  tranches       `json:"tranches"`
	Leaving   leaving        `json:"leaving,omitempty"` // the same, as it lies in the contract
	Keys      receiptKeys    `json:"keys"`
	Endpoint  *endpoint      `json:"endpoint"`
	Awaiting  key            `json:"awaiting"`
	TermsHash key            `json:"terms_hash"`
	Terms     *rewardsTerms  `json:"terms"`
}

type rewardsTerms struct {
	MinBond   cocoon.Nano         `json:"min_bond"`
	Unbonding uint32              `json:"unbonding"`
	HeirAfter uint32              `json:"heir_after"`
	Epoch     wrappers.EpochTerms `json:"epoch"`
	EpochCode string              `json:"epoch_code"` // hash, hex
}

func rewardsStateOf(r wrappers.Rewards) rewardsState {
	return rewardsState{Registry: r.Birth.Registry, Owner: r.Owner, NextOwner: r.NextOwner, Heir: r.Heir, Index: r.Birth.Index, SeenAt: r.SeenAt, Owed: r.Owed,
		Bond: r.Bond, Unbonding: r.Unbonding, Number: r.Number, Attempt: r.Attempt, Operator: r.Operator, Pending: r.Pending, Tranches: tranchesOf(r.Tranches),
		Keys: receiptKeys{r.Keys.Key, r.Keys.Next, r.Keys.NextFrom}, Endpoint: endpointOf(r.Keys.Endpoint),
		Awaiting: r.Awaiting, TermsHash: r.TermsHash, Terms: rewardsTermsOf(r.Terms)}
}

func rewardsTermsOf(t *wrappers.RewardsTerms) *rewardsTerms {
	if t == nil {
		return nil
	}
	return &rewardsTerms{t.MinBond.Nano, t.Unbonding, t.HeirAfter, *t.Epoch, hex.EncodeToString(t.EpochCode.Hash())}
}

// rewards applies what contracts/rewards.fc does with an event.
func (p projector) rewards(_ context.Context, o *occurrence, s *rewardsState) (err error) {
	if err = s.apply(o); err != nil {
		return err
	}
	s.see(o)
	s.Tranches, err = s.Leaving.byTime()
	return err
}

func (s *rewardsState) apply(o *occurrence) error {
	if ok, err := s.role(o); ok {
		return err
	}
	switch o.Name {
	case bounce, "failed":
		return s.comeBack(o)
	case "passed":
		return s.pass(o)
	case "remainder", "fund", "settlement": // pot, which is what the balance leaves
		return nil
	case "refresh_terms":
		m, err := message[wrappers.RefreshTerms](o)
		s.Awaiting = m.Hash
		return err
	case "terms":
		return s.takeTerms(o)
	case "withdraw":
		return s.withdraw(o)
	case "bond":
		m, err := message[wrappers.Bond](o)
		return errors.Join(err, increase(&s.Bond, m.Amount.Nano))
	case "request_unbond":
		return s.unbond(o)
	case "owe":
		return s.owe(o)
	case "open_epoch":
		return s.openEpoch(o)
	}
	return fmt.Errorf("%w: rewards that take %s", errUnread, o.Name)
}

// see notes when owner or operator were seen, which is by all that only they
// may send; the first operation of anyone counts as well, with which it begins.
func (s *rewardsState) see(o *occurrence) {
	switch o.Name {
	case bounce, "failed", "passed", "terms", "remainder", "settlement":
		return
	case "bond", "fund", "owe":
		if s.SeenAt != 0 {
			return
		}
	}
	s.SeenAt = o.Time
}

func (s *rewardsState) unbond(o *occurrence) error {
	m, err := message[wrappers.RequestUnbond](o)
	at := o.Time
	if s.Terms != nil {
		at += s.Terms.Unbonding
	}
	return errors.Join(err, s.Leaving.add(at, m.Amount.Nano), decrease(&s.Bond, m.Amount.Nano), increase(&s.Unbonding, m.Amount.Nano))
}

// takeTerms takes terms that are awaited, clamped; others change nothing.
func (s *rewardsState) takeTerms(o *occurrence) error {
	m, err := message[wrappers.TermsAnswer](o)
	if err != nil || s.Awaiting != key(m.Terms.Hash()) || s.Awaiting == (key{}) {
		return err
	}
	half, err := m.Terms.PeekRef(1)
	if err != nil {
		return fmt.Errorf("%w: terms: %w", errUnread, err)
	}
	terms, err := order[wrappers.RewardsTerms](half)
	if err != nil {
		return err
	}
	terms.Unbonding = min(terms.Unbonding, maxUnbonding)
	terms.HeirAfter = max(min(terms.HeirAfter, maxHeirAfter), terms.Unbonding+1)
	terms.Epoch.PenaltyBps = min(terms.Epoch.PenaltyBps, maxPenaltyBps)
	terms.Epoch.Publish, terms.Epoch.Window = min(terms.Epoch.Publish, maxPhase), min(terms.Epoch.Window, maxPhase)
	terms.Epoch.Expiry, terms.Epoch.NetworkBps = min(terms.Epoch.Expiry, maxExpiry), min(terms.Epoch.NetworkBps, maxNetworkBps)
	s.Awaiting, s.TermsHash, s.Terms = key{}, key(m.Terms.Hash()), rewardsTermsOf(&terms)
	return nil
}

// withdraw takes ripe tranches; what the owner leaves of them is one that is ripe at once.
func (s *rewardsState) withdraw(o *occurrence) error {
	m, err := message[wrappers.Withdraw](o)
	if err != nil {
		return err
	}
	ripe, err := s.Leaving.takeRipe(o.Time)
	if err != nil {
		return err
	}
	amount := m.Amount.Nano
	if amount.IsZero() {
		amount = ripe
	}
	rest, err := ripe.Sub(amount)
	if err == nil && !rest.IsZero() {
		err = s.Leaving.add(o.Time, rest)
	}
	return errors.Join(err, decrease(&s.Unbonding, amount))
}

// openEpoch notes the epoch that open went to.
func (s *rewardsState) openEpoch(o *occurrence) error {
	for _, m := range o.Out {
		if m.Name == "open" {
			s.Pending = m.To
			return nil
		}
	}
	return fmt.Errorf("%w: open_epoch that opens none", errUnread)
}

func (s *rewardsState) pass(o *occurrence) error {
	m, err := message[wrappers.Passed](o)
	if err == nil && o.From == s.Pending && m.Number == s.Number && m.Attempt == s.Attempt {
		s.Number, s.Attempt, s.Pending = s.Number+1, 0, cocoon.Account{}
	}
	return err
}

// comeBack takes the money of the pending epoch back, which may then be opened
// again, or learns that the registry has no terms.
func (s *rewardsState) comeBack(o *occurrence) error {
	switch {
	case o.Name != bounce:
		s.Attempt, s.Pending = s.Attempt+1, cocoon.Account{}
		return s.punish(o)
	case o.From == s.Pending:
		s.Attempt, s.Pending = s.Attempt+1, cocoon.Account{}
	case o.From == s.Registry:
		s.Awaiting = key{}
	}
	return nil
}
