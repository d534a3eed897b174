package wrappers

import (
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
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

// someUsage has no two fields alike.
func someUsage() receipt.Usage {
	return receipt.Usage{
		Scope: receipt.Scope{GlobalID: -239, Provider: cocoon.Account{1}, Rewards: cocoon.Account{2}, Worker: [32]byte{3}, Boot: [16]byte{4}, Number: 5},
		Content: receipt.Content{Request: [16]byte{6}, Attempt: 7, Reason: 8, Route: [32]byte{9}, Frames: [32]byte{10}, Usage: cocoon.Usage{Prompt: 11, Cached: 12, Completion: 13, Reasoning: 14},
			Price: cocoon.Price{Prompt: cocoon.NanoOf(15), Cached: cocoon.NanoOf(16), Completion: cocoon.NanoOf(17), Reasoning: cocoon.NanoOf(18)}, Cost: cocoon.NanoOf(19)}}
}

// hashOf is the hash of a layout.
func hashOf[T any](t *testing.T, v T) [32]byte {
	t.Helper()
	c, err := Cell(v)
	require.NoError(t, err)
	return [32]byte(c.Hash())
}

func TestReceipts_AreWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	e := receipt.Earned{GlobalID: -239, Rewards: cocoon.Account{1}, Number: 2, Provider: cocoon.Account{3}, Amount: cocoon.TON(4)}
	got, err := e.Hash()
	require.NoError(t, err)
	require.Equal(t, hashOf(t, earnedLayout{GlobalID: e.GlobalID, Contract: e.Rewards, Number: e.Number, Provider: e.Provider, Amount: Coins{e.Amount}}), got)

	c := receipt.Certificate{GlobalID: -239, Provider: cocoon.Account{1}, SessionKey: [32]byte{2}, Boot: [16]byte{3}, NotAfter: 4}
	got, err = c.Hash()
	require.NoError(t, err)
	require.Equal(t, hashOf(t, certificateLayout{GlobalID: c.GlobalID, Contract: c.Provider, SessionKey: c.SessionKey, Boot: c.Boot, NotAfter: c.NotAfter}), got)

	u, n := someUsage(), someUsage().Content
	got, err = u.Hash()
	require.NoError(t, err)
	bill := receiptBill{n.Usage.Prompt, n.Usage.Cached, n.Usage.Completion, n.Usage.Reasoning, PricesOf(n.Price), Coins{n.Cost}}
	require.Equal(t, hashOf(t, usageLayout{GlobalID: u.GlobalID, Contract: u.Provider, Rewards: u.Rewards, Worker: u.Worker, Boot: u.Boot, Number: u.Number,
		Content: &receiptContent{n.Request, n.Attempt, n.Reason, n.Route, n.Frames, &bill}}), got)
}

func TestReceipts_TravelInTheMessagesThatCarryThem(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	certificate, err := receipt.Certificate{NotAfter: 1}.Sign(key)
	require.NoError(t, err)
	first, err := someUsage().Sign(key)
	require.NoError(t, err)
	other := someUsage()
	other.Content.Attempt++
	second, err := other.Sign(key)
	require.NoError(t, err)
	report, err := NewReportEquivocation(receipt.Equivocation{Worker: [32]byte{1}, Certificate: certificate, First: first, Second: second}, 2, cocoon.Account{3})
	require.NoError(t, err)
	earned, err := receipt.Earned{Number: 1, Amount: cocoon.TON(1)}.Sign(key)
	require.NoError(t, err)
	owe, err := NewOwe(earned, 2, cocoon.Account{3})
	require.NoError(t, err)
	proof := cell.BeginCell().EndCell()
	prove, err := NewProve(earned, 4, proof, 2, cocoon.Account{3})
	require.NoError(t, err)
	require.EqualValues(t, 4, prove.Index)
	require.Equal(t, proof, prove.Proof)
	for name, m := range map[string]struct {
		kind   Kind
		c      *cell.Cell
		signed map[*cell.Cell][64]byte
	}{
		"report_equivocation": {KindProvider, encodedCell(t, report), map[*cell.Cell][64]byte{report.Certificate.Signed: report.Certificate.Signature,
			report.First.Signed: report.First.Signature, report.Second.Signed: report.Second.Signature}},
		"owe":   {KindRewards, encodedCell(t, owe), map[*cell.Cell][64]byte{owe.Receipt: owe.Signature}},
		"prove": {KindEpoch, encodedCell(t, prove), map[*cell.Cell][64]byte{prove.Receipt: prove.Signature}},
	} {
		got, _, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err)
		require.Equal(t, name, got)
		for c, sig := range m.signed {
			require.True(t, ed25519.Verify(key.Public().(ed25519.PublicKey), c.Hash(), sig[:]), name)
		}
	}
}

func encodedCell[T any](t *testing.T, v T) *cell.Cell {
	t.Helper()
	c, err := Cell(v)
	require.NoError(t, err)
	return c
}
