package trace

import (
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Names are what somebody knows better than the chain. Each may be nil, and may
// answer "" for what it does not know.
type Names struct {
	// Account is what people call an account.
	Account func(*address.Address) string
	// Operation reads the body of a message, the bounced mark taken off: the
	// operation's name, and its fields as pairs of name and value.
	Operation func(to *address.Address, body *cell.Cell) (name string, fields [][2]string)
	// Exit says what the account's code means by an exit code.
	Exit func(account *address.Address, code int32) string
}

func (n Names) account(a *address.Address) string {
	if n.Account == nil || !isStd(a) {
		return ""
	}
	return n.Account(a)
}

func (n Names) operation(to *address.Address, body *cell.Cell) (string, [][2]string) {
	if n.Operation == nil || body == nil {
		return "", nil
	}
	return n.Operation(to, body)
}

// exit is the meaning of a compute phase's exit code: the contract's own, else
// the standard one.
func (n Names) exit(a *address.Address, code int32) string {
	if n.Exit != nil && isStd(a) {
		if text := n.Exit(a, code); text != "" {
			return text
		}
	}
	return exits[code]
}

const (
	opComment   = 0
	opBounced   = 0xffffffff // then the first 256 bits of the body
	opBounced12 = 0xfffffffe // then the body or its root as a reference, and why
)

// unbounced is the body of a message that came back, as far as it was kept.
func unbounced(m *tlb.InternalMessage) *cell.Cell {
	if !m.Bounced || m.Body == nil {
		return m.Body
	}
	s, err := m.Body.BeginParse()
	if err != nil {
		return m.Body
	}
	op, err := s.LoadUInt(32)
	switch {
	case err != nil:
		return m.Body
	case op == opBounced12:
		if body, err := s.LoadRefCell(); err == nil {
			return body
		}
	case op == opBounced:
		if body, err := s.ToCell(); err == nil {
			return body
		}
	}
	return m.Body
}

// opOf is the operation that body begins with.
func opOf(body *cell.Cell) (op uint32, ok bool) {
	if body == nil || body.BitsSize() < 32 {
		return 0, false
	}
	s, err := body.BeginParse()
	if err != nil {
		return 0, false
	}
	v, err := s.LoadUInt(32)
	return uint32(v), err == nil
}
