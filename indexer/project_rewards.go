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
)

// rewardsState is a rewards contract's state but for the cap of a retry, which
// depends on the price of rent.
type rewardsState struct {
	Registry  cocoon.Account `json:"registry"`
	Owner     cocoon.Account `json:"owner"`
	Index     uint32         `json:"index"`
	Bond      cocoon.Nano    `json:"bond"`
	Unbonding cocoon.Nano    `json:"unbonding"`
	Number    uint32         `json:"number"`
	Attempt   uint16         `json:"attempt"`
	Operator  cocoon.Account `json:"operator"`
	Pending   cocoon.Account `json:"pending"`
	Tranches  tranches       `json:"tranches"`
	Awaiting  key            `json:"awaiting"`
	TermsHash key            `json:"terms_hash"`
	Terms     *rewardsTerms  `json:"terms"`
}

type rewardsTerms struct {
	MinBond   cocoon.Nano         `json:"min_bond"`
	Unbonding uint32              `json:"unbonding"`
	Epoch     wrappers.EpochTerms `json:"epoch"`
	EpochCode string              `json:"epoch_code"` // hash, hex
}

func rewardsStateOf(r wrappers.Rewards) rewardsState {
	return rewardsState{r.Birth.Registry, r.Birth.Owner, r.Birth.Index, r.Bond, r.Unbonding, r.Number, r.Attempt, r.Operator, r.Pending,
		tranchesOf(r.Tranches), r.Awaiting, r.TermsHash, rewardsTermsOf(r.Terms)}
}

func rewardsTermsOf(t *wrappers.RewardsTerms) *rewardsTerms {
	if t == nil {
		return nil
	}
	return &rewardsTerms{t.MinBond.Nano, t.Unbonding, *t.Epoch, hex.EncodeToString(t.EpochCode.Hash())}
}

// rewards applies what contracts/rewards.fc does with an event.
func (p projector) rewards(_ context.Context, o *occurrence, s *rewardsState) error {
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
		m, err := message[wrappers.RequestUnbond](o)
		at := o.Time
		if s.Terms != nil {
			at += s.Terms.Unbonding
		}
		return errors.Join(err, s.Tranches.add(at, m.Amount.Nano), decrease(&s.Bond, m.Amount.Nano), increase(&s.Unbonding, m.Amount.Nano))
	case "appoint":
		m, err := message[wrappers.Appoint](o)
		s.Operator = m.Operator
		return err
	case "open_epoch":
		return s.openEpoch(o)
	}
	return fmt.Errorf("%w: rewards that take %s", errUnread, o.Name)
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
	ripe, err := s.Tranches.takeRipe(o.Time)
	if err != nil {
		return err
	}
	amount := m.Amount.Nano
	if amount.IsZero() {
		amount = ripe
	}
	rest, err := ripe.Sub(amount)
	if err == nil && !rest.IsZero() {
		err = s.Tranches.add(o.Time, rest)
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
	if o.From == s.Pending || o.Name != bounce {
		s.Attempt, s.Pending = s.Attempt+1, cocoon.Account{}
	} else if o.From == s.Registry {
		s.Awaiting = key{}
	}
	return nil
}
