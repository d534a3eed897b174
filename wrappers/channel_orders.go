package wrappers

import (
	"crypto/ed25519"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// NewSettle makes the message that redeems v. Whoever sends it pays, and
// response gets the change.
func NewSettle(v voucher.Signed, queryID uint64, response cocoon.Account) Settle {
	return Settle{QueryID: queryID, Response: response, Signature: v.Signature, Cumulative: Coins{v.Cumulative}}
}

// NewRotate makes the message that hands channel over to key, on the network globalID.
func NewRotate(key ed25519.PrivateKey, globalID int32, channel cocoon.Account, queryID uint64) (Rotate, error) {
	sig, err := ProvePossession(key, globalID, channel)
	return Rotate{QueryID: queryID, Key: PublicKey(key), Possession: &sig}, err
}

// ClosePromise is what a dispatcher signs to let the client close a channel at
// once. The client may hold it back until more than Final is settled, so who
// has signed serves no more under this channel.
type ClosePromise struct {
	_        tlb.Magic      `tlb:"#50159285"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"` // the channel
	Final    Coins          `tlb:"."`        // paid in all, what is settled included
}

// Sign makes the message that carries p, signed by the dispatcher key, for the client to send.
func (p ClosePromise) Sign(dispatcher ed25519.PrivateKey, queryID uint64) (CloseNow, error) {
	_, sig, err := Sign(p, dispatcher)
	return CloseNow{QueryID: queryID, Signature: sig.Bytes, Final: p.Final}, err
}
