package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// earnedLayout, certificateLayout and usageLayout are what protocol/receipt
// signs, as the schema has it.
type earnedLayout struct {
	_        tlb.Magic      `tlb:"#1c10961d"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"`
	Number   uint32         `tlb:"## 32"`
	Provider cocoon.Account `tlb:"bits 256"`
	Amount   Coins          `tlb:"."`
}

type certificateLayout struct {
	_          tlb.Magic      `tlb:"#0a075312"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"`
	SessionKey [32]byte       `tlb:"bits 256"`
	Boot       [16]byte       `tlb:"bits 128"`
	NotAfter   uint32         `tlb:"## 32"`
}

type usageLayout struct {
	_        tlb.Magic       `tlb:"#2c794c3a"`
	GlobalID int32           `tlb:"## 32"`
	Contract cocoon.Account  `tlb:"bits 256"`
	Rewards  cocoon.Account  `tlb:"bits 256"`
	Worker   [32]byte        `tlb:"bits 256"`
	Boot     [16]byte        `tlb:"bits 128"`
	Number   uint32          `tlb:"## 32"`
	Content  *receiptContent `tlb:"^"`
}

type receiptContent struct {
	Request    [16]byte     `tlb:"bits 128"`
	Attempt    uint8        `tlb:"## 8"`
	Reason     uint8        `tlb:"## 8"`
	RouteHash  [32]byte     `tlb:"bits 256"`
	FramesHash [32]byte     `tlb:"bits 256"`
	Bill       *receiptBill `tlb:"^"`
}

type receiptBill struct {
	Prompt     uint64 `tlb:"## 64"`
	Cached     uint64 `tlb:"## 64"`
	Completion uint64 `tlb:"## 64"`
	Reasoning  uint64 `tlb:"## 64"`
	Price      Prices `tlb:"."`
	Cost       Coins  `tlb:"."`
}
