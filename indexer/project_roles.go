package indexer

import (
	"errors"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// receiptKeys are the keys that receipts verify under: Next those of numbers
// from NextFrom on, which is 0 while there is no Next.
type receiptKeys struct {
	Key      key    `json:"key"`
	Next     key    `json:"next"`
	NextFrom uint32 `json:"next_from"`
}

// of is the key of a number, zero where there is none.
func (k receiptKeys) of(number uint32) key {
	return key(wrappers.ReceiptKeys{Key: k.Key, Next: k.Next, NextFrom: k.NextFrom}.Of(number))
}

// endpoint is where a dispatcher is reached.
type endpoint struct {
	TLSKeyHash key    `json:"tls_key_hash"`
	URL        string `json:"url"`
}

func endpointOf(e *wrappers.Endpoint) *endpoint {
	if e == nil {
		return nil
	}
	return &endpoint{e.TLSKeyHash, string(e.URL)}
}

// earned is what a dispatcher signs about a provider's earnings.
type earned struct {
	_        tlb.Magic      `tlb:"#1c10961d"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"`
	Number   uint32         `tlb:"## 32"`
	Provider cocoon.Account `tlb:"bits 256"`
	Amount   wrappers.Coins `tlb:"."`
}

// role applies what changes who may do what; ok is false of anything else.
func (s *rewardsState) role(o *occurrence) (ok bool, err error) {
	switch o.Name {
	case "appoint":
		m, err := message[wrappers.Appoint](o)
		s.Operator = m.Operator
		return true, err
	case "set_heir":
		m, err := message[wrappers.SetHeir](o)
		s.Heir = m.Heir
		return true, err
	case "transfer_ownership":
		m, err := message[wrappers.TransferOwnership](o)
		s.NextOwner = m.Owner
		return true, err
	case "accept_ownership":
		s.Owner, s.NextOwner, s.Heir = o.From, cocoon.Account{}, cocoon.Account{}
		return true, nil
	case "succeed":
		s.Owner, s.Operator, s.NextOwner, s.Heir = o.From, o.From, cocoon.Account{}, cocoon.Account{}
		return true, nil
	case "rotate_key":
		return true, s.rotate(o)
	case "set_endpoint":
		m, err := message[wrappers.SetEndpoint](o)
		s.Endpoint = endpointOf(m.Endpoint)
		return true, err
	}
	return false, nil
}

// rotate takes the first key at once, or from the next number on where an
// epoch is pending without one; later keys wait for two numbers.
func (s *rewardsState) rotate(o *occurrence) error {
	m, err := message[wrappers.RotateKey](o)
	k := &s.Keys
	if k.NextFrom != 0 {
		k.Key = k.Next
	}
	switch {
	case k.Key != key{}:
		k.Next, k.NextFrom = m.Key, s.Number+2
	case !s.Pending.IsZero():
		k.Next, k.NextFrom = m.Key, s.Number+1
	default:
		*k = receiptKeys{Key: m.Key}
	}
	return err
}

// owe notes the number of a receipt that was lodged.
func (s *rewardsState) owe(o *occurrence) error {
	m, err := message[wrappers.Owe](o)
	if err != nil {
		return err
	}
	receipt, err := order[earned](m.Receipt)
	s.Owed = max(s.Owed, receipt.Number)
	return err
}

// punish takes a penalty out of the bond, then out of what is leaving.
func (s *rewardsState) punish(o *occurrence) error {
	m, err := message[wrappers.Failed](o)
	if err != nil || m.Proven.IsZero() {
		return err
	}
	held, err := s.Bond.Add(s.Unbonding)
	if err != nil {
		return err
	}
	penalty := m.Penalty.Min(held)
	ofBond := penalty.Min(s.Bond)
	rest, err := penalty.Sub(ofBond)
	return errors.Join(err, decrease(&s.Bond, ofBond), decrease(&s.Unbonding, rest), s.Leaving.slash(rest))
}
