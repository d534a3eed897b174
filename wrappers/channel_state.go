package wrappers

import (
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Channel is the state of a channel contract. It is to be believed only where
// the contract's account is Birth.Account. What it holds is its balance.
type Channel struct {
	Birth         ChannelBirth
	Closed        bool        // for ever
	Settled       cocoon.Nano // paid to rewards since the birth
	Key           [32]byte    // signs vouchers
	Previous      [32]byte    // counts as well before PreviousUntil
	PreviousUntil uint32      // unix seconds; zero until a key was rotated
	ClosesAt      uint32      // unix seconds; zero until a close is requested
}

type channelData struct {
	Closed        bool           `tlb:"bool"`
	Settled       Coins          `tlb:"."`
	Rewards       cocoon.Account `tlb:"bits 256"`
	Key           [32]byte       `tlb:"bits 256"`
	Previous      [32]byte       `tlb:"bits 256"`
	PreviousUntil uint32         `tlb:"## 32"`
	ClosesAt      uint32         `tlb:"## 32"`
	Terms         *ChannelTerms  `tlb:"^"`
}

// DecodeChannel reads a channel's storage, birth data included, to the end of every cell.
func DecodeChannel(data *cell.Cell) (Channel, error) {
	s, err := Decode[channelData](data)
	if err != nil {
		return Channel{}, err
	}
	terms, err := data.PeekRef(0)
	if err != nil {
		return Channel{}, cocoon.Invalid.Errorf("decode channel: %w", err)
	}
	t, err := Decode[ChannelTerms](terms) // to its end
	if err != nil {
		return Channel{}, err
	}
	birth := ChannelBirth{t.Client, t.ClientKey, s.Rewards, t.DispatcherKey, t.CloseDelay, t.Salt}
	return Channel{birth, s.Closed, s.Settled.Nano, s.Key, s.Previous, s.PreviousUntil, s.ClosesAt}, nil
}

// Accepts reports whether key signs for the channel at now, in unix seconds.
func (c Channel) Accepts(key [32]byte, now uint32) bool {
	return !c.Closed && !weak(key) && (key == c.Key || key == c.Previous && now < c.PreviousUntil)
}
