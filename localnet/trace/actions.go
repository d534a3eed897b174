package trace

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// ActionView is one action the contract wished for; its JSON keys stay.
type ActionView struct {
	Kind   string            `json:"kind"` // send_msg, reserve, set_code, change_library or invalid
	Mode   uint8             `json:"mode"`
	Flags  []string          `json:"flags,omitempty"` // Mode in words
	To     string            `json:"to,omitempty"`
	Amount *Nano             `json:"amount_nano,omitempty"`
	Extra  map[string]string `json:"extra,omitempty"`
	Hash   string            `json:"hash,omitempty"` // of the message, the code or the library
}

// maxActions is one more than there may be.
const maxActions = 256

// actionsOf reads a list of actions, which is linked from the last to the first.
func actionsOf(root *cell.Cell) (list []ActionView, err error) {
	list = []ActionView{}
	if root == nil {
		return list, nil
	}
	if root, err = cold(root); err != nil {
		return list, fmt.Errorf("read the list of actions: %w", err)
	}
	for c := root; c.RefsNum() > 0 && len(list) < maxActions; {
		list = append(list, actionOf(c))
		if c, err = c.PeekRef(0); err != nil {
			return nil, fmt.Errorf("read the list of actions: %w", err)
		}
	}
	slices.Reverse(list)
	return list, nil
}

func actionOf(c *cell.Cell) ActionView {
	var out tlb.OutList
	if err := tlb.Parse(&out, c); err != nil {
		return ActionView{Kind: "invalid"}
	}
	switch a := out.Out.(type) {
	case tlb.ActionSendMsg:
		return sendAction(a)
	case tlb.ActionReserveCurrency:
		amount := nanoOf(a.Currency.Coins)
		return ActionView{Kind: "reserve", Mode: a.Mode, Flags: flagsOf(a.Mode, reserveModes), Amount: &amount, Extra: extraOf(a.Currency.ExtraCurrencies)}
	case tlb.ActionSetCode:
		return ActionView{Kind: "set_code", Hash: hex.EncodeToString(a.NewCode.Hash())}
	case tlb.ActionChangeLibrary:
		return libraryAction(a)
	}
	return ActionView{Kind: "invalid"}
}

func sendAction(a tlb.ActionSendMsg) ActionView {
	v := ActionView{Kind: "send_msg", Mode: a.Mode, Flags: flagsOf(a.Mode, sendModes), Hash: hex.EncodeToString(a.Msg.Hash())}
	var m tlb.MessageRelaxed
	if err := tlb.Parse(&m, a.Msg); err != nil {
		return v
	}
	v.To = raw(m.Info.DstAddr)
	if m.MsgType == tlb.MsgTypeInternal {
		v.Amount, v.Extra = &Nano{m.Info.Amount}, extraOf(m.Info.ExtraCurrencies)
	}
	return v
}

func libraryAction(a tlb.ActionChangeLibrary) ActionView {
	v := ActionView{Kind: "change_library", Mode: a.Mode, Flags: flagsOf(a.Mode, libraryModes)}
	switch ref := a.LibRef.(type) {
	case tlb.LibRefHash:
		v.Hash = hex.EncodeToString(ref.LibHash)
	case tlb.LibRefRef:
		v.Hash = hex.EncodeToString(ref.Library.Hash())
	}
	return v
}

// String is the action in one line: "send_msg 1 TON → 0:8f3a…77c2, mode 3 (pay fees separately, ignore errors)".
func (a ActionView) String() string {
	parts := []string{a.Kind}
	if a.Amount != nil {
		parts = append(parts, a.Amount.String())
	}
	if a.Kind == "send_msg" {
		to := a.To
		if to == "" {
			to = "outside"
		}
		parts = append(parts, "→ "+to)
	} else if a.Hash != "" {
		parts = append(parts, a.Hash)
	}
	s := strings.Join(parts, " ")
	if a.Kind != "set_code" && a.Kind != "invalid" {
		s += fmt.Sprintf(", mode %d", a.Mode)
	}
	if len(a.Flags) > 0 {
		s += " (" + strings.Join(a.Flags, ", ") + ")"
	}
	return s
}
