package trace

import (
	"math/big"
	"strings"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
)

// StoragePhase is the rent.
type StoragePhase struct {
	Collected Nano   `json:"collected_nano"`
	Due       *Nano  `json:"due_nano,omitempty"` // still owed
	Change    string `json:"change,omitempty"`   // frozen or deleted
}

func storagePhase(p *tlb.StoragePhase) *StoragePhase {
	if p == nil {
		return nil
	}
	return &StoragePhase{nanoOf(p.StorageFeesCollected), maybeNano(p.StorageFeesDue), changeOf(p.StatusChange)}
}

func changeOf(c tlb.AccStatusChange) string {
	if c.Type == tlb.AccStatusChangeUnchanged {
		return ""
	}
	return strings.ToLower(string(c.Type))
}

// CreditPhase is the value that came in.
type CreditPhase struct {
	Due   *Nano             `json:"due_collected_nano,omitempty"` // of it, what paid for rent owed
	Value Nano              `json:"value_nano"`
	Extra map[string]string `json:"extra,omitempty"`
}

func creditPhase(p *tlb.CreditPhase) *CreditPhase {
	if p == nil {
		return nil
	}
	return &CreditPhase{maybeNano(p.DueFeesCollected), nanoOf(p.Credit.Coins), extraOf(p.Credit.ExtraCurrencies)}
}

// ComputePhase is the run of the contract, or why there was none.
type ComputePhase struct {
	Skipped   string `json:"skipped,omitempty"` // no_state, bad_state, no_gas or suspended; then the rest is empty
	Text      string `json:"text,omitempty"`    // what Skipped or Exit means
	Success   bool   `json:"success"`
	Exit      int32  `json:"exit_code"`
	Arg       *int32 `json:"exit_arg,omitempty"`
	GasUsed   int64  `json:"gas_used"`
	GasLimit  int64  `json:"gas_limit"`
	GasCredit int64  `json:"gas_credit,omitempty"`
	GasFees   Nano   `json:"gas_fees_nano"`
	Steps     uint32 `json:"steps"`
	Mode      int8   `json:"mode,omitempty"`
	StateUsed bool   `json:"message_state_used,omitempty"`
	Activated bool   `json:"account_activated,omitempty"`
}

func computePhase(p tlb.ComputePhase, a *address.Address, n Names) *ComputePhase {
	switch c := p.Phase.(type) {
	case tlb.ComputePhaseSkipped:
		reason := strings.ToLower(string(c.Reason.Type))
		return &ComputePhase{Skipped: reason, Text: skips[reason]}
	case tlb.ComputePhaseVM:
		d := c.Details
		return &ComputePhase{Text: n.exit(a, d.ExitCode), Success: c.Success, Exit: d.ExitCode, Arg: d.ExitArg, GasUsed: small(d.GasUsed),
			GasLimit: small(d.GasLimit), GasCredit: small(d.GasCredit), GasFees: nanoOf(c.GasFees), Steps: d.VMSteps, Mode: d.Mode,
			StateUsed: c.MsgStateUsed, Activated: c.AccountActivated}
	}
	return nil
}

// small is a number of at most 56 bits; 0 for none.
func small(n *big.Int) int64 {
	if n == nil {
		return 0
	}
	return n.Int64()
}

// ActionPhase is what became of the actions the contract wished for.
type ActionPhase struct {
	Success    bool   `json:"success"`
	Valid      bool   `json:"valid"`
	NoFunds    bool   `json:"no_funds"`
	Code       int32  `json:"result_code"`
	Text       string `json:"text,omitempty"`       // what Code means
	Arg        *int32 `json:"result_arg,omitempty"` // the action that failed, from 0
	Total      uint16 `json:"actions"`
	Special    uint16 `json:"special"` // of them other than to send
	Skipped    uint16 `json:"skipped"`
	Messages   uint16 `json:"messages"`
	ForwardFee *Nano  `json:"forward_fees_nano,omitempty"`
	ActionFee  *Nano  `json:"action_fees_nano,omitempty"` // of them the sender's share
	Cells      int64  `json:"message_cells"`
	Bits       int64  `json:"message_bits"`
	Change     string `json:"change,omitempty"` // deleted
}

func actionPhase(p *tlb.ActionPhase) *ActionPhase {
	if p == nil {
		return nil
	}
	return &ActionPhase{Success: p.Success, Valid: p.Valid, NoFunds: p.NoFunds, Code: p.ResultCode, Text: results[p.ResultCode], Arg: p.ResultArg,
		Total: p.TotalActions, Special: p.SpecActions, Skipped: p.SkippedActions, Messages: p.MessagesCreated, ForwardFee: maybeNano(p.TotalFwdFees),
		ActionFee: maybeNano(p.TotalActionFees), Cells: small(p.TotalMsgSize.Cells), Bits: small(p.TotalMsgSize.Bits), Change: changeOf(p.StatusChange)}
}

// BouncePhase is the way back of the value.
type BouncePhase struct {
	Kind        string `json:"kind"`                       // ok, no_funds or negative_funds
	MessageFee  *Nano  `json:"message_fee_nano,omitempty"` // collected here
	ForwardFee  *Nano  `json:"forward_fee_nano,omitempty"` // goes with the message
	RequiredFee *Nano  `json:"required_fee_nano,omitempty"`
	Cells       int64  `json:"message_cells,omitempty"`
	Bits        int64  `json:"message_bits,omitempty"`
}

func bouncePhase(p *tlb.BouncePhase) *BouncePhase {
	if p == nil {
		return nil
	}
	switch b := p.Phase.(type) {
	case tlb.BouncePhaseOk:
		return &BouncePhase{Kind: "ok", MessageFee: maybeNano(&b.MsgFees), ForwardFee: maybeNano(&b.FwdFees), Cells: small(b.MsgSize.Cells), Bits: small(b.MsgSize.Bits)}
	case tlb.BouncePhaseNoFunds:
		return &BouncePhase{Kind: "no_funds", RequiredFee: maybeNano(&b.ReqFwdFees), Cells: small(b.MsgSize.Cells), Bits: small(b.MsgSize.Bits)}
	}
	return &BouncePhase{Kind: "negative_funds"}
}
