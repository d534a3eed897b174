package trace

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// MessageView is one message as it is shown; its JSON keys stay.
type MessageView struct {
	Hash       string            `json:"hash"`
	Kind       string            `json:"kind"` // internal, external_in or external_out
	From       string            `json:"from,omitempty"`
	FromName   string            `json:"from_name,omitempty"`
	To         string            `json:"to,omitempty"`
	ToName     string            `json:"to_name,omitempty"`
	Value      *Nano             `json:"value_nano,omitempty"`
	Extra      map[string]string `json:"extra,omitempty"` // amounts by the id of the currency
	ForwardFee *Nano             `json:"forward_fee_nano,omitempty"`
	ImportFee  *Nano             `json:"import_fee_nano,omitempty"`
	ExtraFlags string            `json:"extra_flags,omitempty"` // decimal; ihr_fee in older blocks
	CreatedLT  uint64            `json:"created_lt,omitempty"`
	CreatedAt  uint32            `json:"created_at,omitempty"` // unix seconds
	Bounce     bool              `json:"bounce"`
	Bounced    bool              `json:"bounced"`
	Init       string            `json:"init_code_hash,omitempty"` // of the first state it brings
	Op         string            `json:"op,omitempty"`             // as in 0x7f0fb44f
	Operation  string            `json:"operation,omitempty"`      // its name, where somebody knows it
	Fields     [][2]string       `json:"fields,omitempty"`
	Comment    string            `json:"comment,omitempty"`
	Body       string            `json:"body,omitempty"` // bag of cells in base64

	body *cell.Cell
}

func showMessage(m *Message, n Names) *MessageView {
	v := &MessageView{Hash: hex.EncodeToString(m.Cell.Hash())}
	from, to := m.Msg.SenderAddr(), m.Msg.DestAddr()
	v.From, v.FromName, v.To, v.ToName = raw(from), n.account(from), raw(to), n.account(to)
	v.body = m.Msg.Payload()
	meant := v.body
	switch in := m.Msg.(type) {
	case *tlb.InternalMessage:
		v.internal(in)
		meant = unbounced(in)
	case *tlb.ExternalMessage:
		fee := nanoOf(in.ImportFee)
		v.Kind, v.ImportFee, v.Init = "external_in", &fee, initOf(in.StateInit)
	case *tlb.ExternalMessageOut:
		v.Kind, v.CreatedLT, v.CreatedAt, v.Init = "external_out", in.CreatedLT, in.CreatedAt, initOf(in.StateInit)
	}
	if op, ok := opOf(meant); ok {
		v.Op = fmt.Sprintf("0x%08x", op)
		v.Comment = commentOf(op, meant)
	}
	receiver := to
	if v.Bounced {
		receiver = from // whose operation it was
	}
	v.Operation, v.Fields = n.operation(receiver, meant)
	if v.body != nil && v.body.BitsSize()+v.body.RefsNum() > 0 {
		v.Body = base64.StdEncoding.EncodeToString(v.body.ToBOC())
	}
	return v
}

func (v *MessageView) internal(in *tlb.InternalMessage) {
	value, fee := nanoOf(in.Amount), nanoOf(in.FwdFee)
	v.Kind, v.Value, v.ForwardFee, v.Init = "internal", &value, &fee, initOf(in.StateInit)
	v.CreatedLT, v.CreatedAt, v.Bounce, v.Bounced = in.CreatedLT, in.CreatedAt, in.Bounce, in.Bounced
	if flags := in.IHRFee.Nano(); flags.Sign() != 0 {
		v.ExtraFlags = flags.String()
	}
	v.Extra = extraOf(in.ExtraCurrencies)
}

// extraOf are amounts of other currencies than the coin, by id.
func extraOf(d *cell.Dictionary) map[string]string {
	if d == nil {
		return nil
	}
	list, err := d.LoadAll()
	if err != nil || len(list) == 0 {
		return nil
	}
	amounts := map[string]string{}
	for _, kv := range list {
		id, err := kv.Key.LoadUInt(32)
		if err != nil {
			continue
		}
		if n, err := kv.Value.LoadVarUInt(32); err == nil {
			amounts[fmt.Sprint(id)] = n.String()
		}
	}
	return amounts
}

func initOf(s *tlb.StateInit) string {
	switch {
	case s == nil:
		return ""
	case s.Code == nil:
		return "none"
	}
	return hex.EncodeToString(s.Code.Hash())
}

// commentOf is the text of a transfer that carries one.
func commentOf(op uint32, body *cell.Cell) string {
	if op != opComment {
		return ""
	}
	s, err := body.BeginParse()
	if err != nil {
		return ""
	}
	if _, err = s.LoadUInt(32); err != nil {
		return ""
	}
	text, err := s.LoadStringSnake()
	if err != nil {
		return ""
	}
	return printable(text)
}
