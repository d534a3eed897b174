package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// MaxCloseDelay bounds the close delay of a channel, in seconds; the contract
// takes more for this much.
const MaxCloseDelay = 30 * 86400

// ChannelBirth is all that a channel's address is derived from.
type ChannelBirth struct {
	Client        cocoon.Account // gets what no voucher takes
	ClientKey     [32]byte       // the first key that signs vouchers
	Rewards       cocoon.Account // of the dispatcher; gets what vouchers take
	DispatcherKey [32]byte       // signs a ClosePromise
	CloseDelay    uint32         // seconds
	Salt          uint64         // tells channels apart that are alike otherwise
}

// ChannelTerms are the parts of a birth that the contract keeps apart.
type ChannelTerms struct {
	Client        cocoon.Account `tlb:"bits 256"`
	ClientKey     [32]byte       `tlb:"bits 256"`
	DispatcherKey [32]byte       `tlb:"bits 256"`
	CloseDelay    uint32         `tlb:"## 32"`
	Salt          uint64         `tlb:"## 64"`
}

// Init is the state a channel of this program's code is deployed with, by any
// transfer.
func (b ChannelBirth) Init() (*tlb.StateInit, error) {
	terms := ChannelTerms{b.Client, b.ClientKey, b.DispatcherKey, b.CloseDelay, b.Salt}
	return born("channel", channelData{Rewards: b.Rewards, Key: b.ClientKey, Terms: &terms})
}

// Account is the address of that channel. A contract elsewhere is not this
// channel, whatever its code and its state say: it may pay nobody.
func (b ChannelBirth) Account() (cocoon.Account, error) { return bornAccount(b.Init()) }

// Validate says why nobody should use a channel of this birth.
func (b ChannelBirth) Validate() error {
	switch {
	case weak(b.ClientKey):
		return cocoon.Invalid.Errorf("the client key is one that the contract refuses")
	case weak(b.DispatcherKey):
		return cocoon.Invalid.Errorf("the dispatcher key is one that the contract refuses")
	case b.CloseDelay == 0 || b.CloseDelay > MaxCloseDelay:
		return cocoon.Invalid.Errorf("a close delay of %d s is not between 1 and %d s", b.CloseDelay, MaxCloseDelay)
	case b.Client.IsZero() || b.Rewards.IsZero():
		return cocoon.Invalid.Errorf("a channel needs a client and a rewards contract")
	}
	return nil
}

// weak reports whether no signature of key can be believed.
func weak(key [32]byte) bool { return key == identityKey || key == [32]byte{} }
