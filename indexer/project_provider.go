package indexer

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// providerState is a provider's state without its workers, which have a table.
type providerState struct {
	Owner     cocoon.Account          `json:"owner"`
	Index     uint32                  `json:"index"`
	Born      bool                    `json:"born"` // false until the first operation
	Stake     cocoon.Nano             `json:"stake"`
	Unbonding cocoon.Nano             `json:"unbonding"`
	Allowance cocoon.Nano             `json:"allowance"`
	Operator  key                     `json:"operator"`
	Revision  uint64                  `json:"revision"`
	GPUs      uint32                  `json:"gpus"`
	Tranches  tranches                `json:"tranches"`
	Awaiting  key                     `json:"awaiting"`
	TermsHash key                     `json:"terms_hash"`
	Terms     *wrappers.ProviderTerms `json:"terms"`
}

func providerStateOf(p wrappers.Provider) providerState {
	return providerState{p.Birth.Owner, p.Birth.Index, p.Born, p.Stake, p.Unbonding, p.Allowance, p.Operator, p.Revision, p.GPUs,
		tranchesOf(p.Tranches), p.Awaiting, p.TermsHash, p.Terms}
}

// required is the stake that the active workers need; zero before terms.
func (s *providerState) required() (cocoon.Nano, error) {
	if s.Terms == nil {
		return cocoon.Nano{}, nil
	}
	n, err := s.Terms.MinGPU.Mul(uint64(s.GPUs))
	if err != nil {
		return n, err
	}
	return n.Add(s.Terms.MinProvider.Nano)
}

// unbondingTime is in seconds.
func (s *providerState) unbondingTime() uint32 {
	if s.Terms == nil {
		return 0
	}
	return min(s.Terms.Unbonding, maxUnbonding)
}

// provider applies what contracts/provider.fc does with an event.
func (p projector) provider(ctx context.Context, o *occurrence, s *providerState) error {
	switch o.Name {
	case bounce:
		return s.takeBack(o)
	case "income":
		return s.income(o)
	}
	s.Born = true
	switch o.Name {
	case "refresh_terms":
		m, err := message[wrappers.RefreshTerms](o)
		s.Awaiting = m.Hash
		return err
	case "terms":
		return s.takeTerms(o)
	case "withdraw":
		ripe, err := s.Tranches.takeRipe(o.Time)
		return errors.Join(err, decrease(&s.Unbonding, ripe))
	case "stake":
		m, err := message[wrappers.Stake](o)
		return errors.Join(err, increase(&s.Stake, m.Amount.Nano))
	case "request_unstake":
		m, err := message[wrappers.RequestUnstake](o)
		return errors.Join(err, s.Tranches.add(o.Time+s.unbondingTime(), m.Amount.Nano), decrease(&s.Stake, m.Amount.Nano), increase(&s.Unbonding, m.Amount.Nano))
	case "set_operator":
		m, err := message[wrappers.SetOperator](o)
		s.Operator, s.Allowance = m.Key, m.Allowance.Nano
		return err
	case "accept_job":
		return s.acceptJob(o)
	}
	return p.worker(ctx, o, s)
}

// takeTerms takes the provider's half of an answer, as it is: the contract does
// not look at the other.
func (s *providerState) takeTerms(o *occurrence) error {
	m, err := message[wrappers.TermsAnswer](o)
	if err != nil {
		return err
	}
	half, err := m.Terms.PeekRef(0)
	if err != nil {
		return fmt.Errorf("%w: terms: %w", errUnread, err)
	}
	terms, err := order[wrappers.ProviderTerms](half)
	if err != nil {
		return err
	}
	s.Awaiting, s.TermsHash, s.Terms = key{}, key(m.Terms.Hash()), &terms
	return nil
}

// acceptOrder is an AcceptJobOrder whose pass, which only the job looks at, may
// be anything.
type acceptOrder struct {
	_          tlb.Magic      `tlb:"#163e9a22"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"`
	Job        cocoon.Account `tlb:"bits 256"`
	Code       uint8          `tlb:"## 2"`
	Worker     [32]byte       `tlb:"bits 256"`
	Bond       wrappers.Coins `tlb:"."`
	ValidUntil uint32         `tlb:"## 32"`
	Pass       *cell.Cell     `tlb:"maybe ^"`
}

func (s *providerState) acceptJob(o *occurrence) error {
	m, err := message[wrappers.AcceptJob](o)
	if err != nil {
		return err
	}
	signed, err := order[acceptOrder](m.Order)
	if err != nil {
		return err
	}
	return decrease(&s.Allowance, signed.Bond.Nano)
}
