package chain

import (
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Message is one message a wallet is asked to send.
type Message struct {
	To     cocoon.Account
	Amount cocoon.Nano // value that arrives; the wallet pays the forward fee on top
	Bounce bool        // whether the value comes back where the receiver fails
	Init   *tlb.StateInit
	Body   *cell.Cell // nil for a plain transfer
}

// Internal is the message as the chain carries it.
func (m Message) Internal() *tlb.InternalMessage {
	body := m.Body
	if body == nil {
		body = cell.BeginCell().EndCell()
	}
	return &tlb.InternalMessage{IHRDisabled: true, Bounce: m.Bounce, DstAddr: Address(m.To),
		Amount: tlb.FromNanoTON(m.Amount.Big()), StateInit: m.Init, Body: body}
}

// Address is a in the form tonutils-go uses.
func Address(a cocoon.Account) *address.Address { return address.NewAddress(0, 0, a[:]) }

// AccountOf is the account behind addr; one outside the basechain is refused.
func AccountOf(addr *address.Address) (cocoon.Account, error) {
	if addr == nil || addr.Type() != address.StdAddress || addr.Workchain() != 0 || len(addr.Data()) != 32 {
		return cocoon.Account{}, cocoon.Invalid.Errorf("address %v is not a basechain account", addr)
	}
	return cocoon.Account(addr.Data()), nil
}

// BornAccount is the account of the contract whose first state is code and data.
func BornAccount(init *tlb.StateInit) (cocoon.Account, error) {
	c, err := tlb.ToCell(init)
	if err != nil {
		return cocoon.Account{}, fmt.Errorf("state init: %w", err)
	}
	return cocoon.Account(c.Hash()), nil
}
