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
	Leaving   leaving                 `json:"leaving,omitempty"` // the same as the contract keeps them; a decoded state does not tell
	Awaiting  key                     `json:"awaiting"`
	TermsHash key                     `json:"terms_hash"`
	Terms     *wrappers.ProviderTerms `json:"terms"`
}

func providerStateOf(p wrappers.Provider) providerState {
	return providerState{Owner: p.Birth.Owner, Index: p.Birth.Index, Born: p.Born, Stake: p.Stake, Unbonding: p.Unbonding, Allowance: p.Allowance,
		Operator: p.Operator, Revision: p.Revision, GPUs: p.GPUs, Tranches: tranchesOf(p.Tranches), Awaiting: p.Awaiting, TermsHash: p.TermsHash, Terms: p.Terms}
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

// slash takes min_gpu for each of so many GPUs, or what there is.
func (s *providerState) slash(gpus uint32) error {
	if s.Terms == nil {
		return fmt.Errorf("%w: a slash before any terms", errUnread)
	}
	due, err := s.Terms.MinGPU.Mul(uint64(gpus))
	if errors.Is(err, cocoon.ErrOverflow) {
		due, err = s.Stake.Add(s.Unbonding) // there is no more to take
	}
	if err != nil {
		return err
	}
	fromStake := due.Min(s.Stake)
	rest, err := due.Sub(fromStake)
	if err != nil {
		return err
	}
	rest = rest.Min(s.Unbonding)
	return errors.Join(decrease(&s.Stake, fromStake), decrease(&s.Unbonding, rest), s.Leaving.slash(rest), s.inTime())
}

// inTime tells the tranches in order of time.
func (s *providerState) inTime() (err error) {
	s.Tranches, err = s.Leaving.byTime()
	return err
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
		ripe, err := s.Leaving.takeRipe(o.Time)
		return errors.Join(err, decrease(&s.Unbonding, ripe), s.inTime())
	case "stake":
		m, err := message[wrappers.Stake](o)
		return errors.Join(err, increase(&s.Stake, m.Amount.Nano))
	case "request_unstake":
		m, err := message[wrappers.RequestUnstake](o)
		return errors.Join(err, s.Leaving.add(o.Time+s.unbondingTime(), m.Amount.Nano), s.inTime(), decrease(&s.Stake, m.Amount.Nano), increase(&s.Unbonding, m.Amount.Nano))
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
