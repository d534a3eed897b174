package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// channelMessages are the operations of the channel contract, in schema order.
// A transfer without a body tops a channel up.
var channelMessages = []layout{
	message[Finish]("finish"),
	message[OpenChannel]("open_channel"),
	message[Settle]("settle"),
	message[Rotate]("rotate"),
	message[RequestClose]("request_close"),
	message[CloseNow]("close_now"),
}

// OpenChannel says what the client expects to need, for dispatchers and
// indexers to see; all that it brings stays in the channel. A channel works
// without it. The client sends it.
type OpenChannel struct {
	_       tlb.Magic      `tlb:"#7f9376df"`
	QueryID uint64         `tlb:"## 64"`
	Model   cocoon.ModelID `tlb:"bits 256"`
	Tokens  uint64         `tlb:"## 64"` // a day
}

// Settle redeems the newest voucher of a channel. Anyone may send it: the
// client has signed.
type Settle struct {
	_          tlb.Magic      `tlb:"#289903bf"`
	QueryID    uint64         `tlb:"## 64"`
	Response   cocoon.Account `tlb:"bits 256"` // gets the change
	Signature  [64]byte       `tlb:"bits 512"`
	Cumulative Coins          `tlb:"."`
}

// Rotate makes Key the one that signs vouchers; those of the key before count
// for one close delay more. The client sends it.
type Rotate struct {
	_          tlb.Magic  `tlb:"#460f95d3"`
	QueryID    uint64     `tlb:"## 64"`
	Key        [32]byte   `tlb:"bits 256"`
	Possession *Signature `tlb:"^"` // of a Possession by Key
}

// RequestClose starts the close delay, after which Finish gives the client all
// that no voucher has taken. The client sends it, once.
type RequestClose struct {
	_       tlb.Magic `tlb:"#0ec925e1"`
	QueryID uint64    `tlb:"## 64"`
}

// CloseNow closes without delay, where client and dispatcher agree on what is
// paid in all. The client sends it.
type CloseNow struct {
	_         tlb.Magic `tlb:"#4d521c1b"`
	QueryID   uint64    `tlb:"## 64"`
	Signature [64]byte  `tlb:"bits 512"` // of a ClosePromise by the dispatcher key
	Final     Coins     `tlb:"."`
}

// Settlement brings what a channel has paid. A channel sends it to rewards.
type Settlement struct {
	_       tlb.Magic `tlb:"#df0596af"`
	QueryID uint64    `tlb:"## 64"`
	Amount  Coins     `tlb:"."`
}
