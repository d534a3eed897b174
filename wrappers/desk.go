package wrappers

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// Reader is what preparing messages reads of the chain. All of it is proven.
type Reader interface {
	Getter
	Account(ctx context.Context, a cocoon.Account) (chain.Account, error)
	// Unborn runs get-methods of a contract as it will be born with init, at the live prices.
	Unborn(init *tlb.StateInit) chain.Unborn
}

// Target is a contract that a message goes to.
type Target struct {
	Account cocoon.Account
	Init    *tlb.StateInit // nil where the contract is there
	Fees    Getter         // answers its get_fees, born or not
	Data    *cell.Cell     // its storage; nil where it is not there
}

// Birth is all that a contract's address is derived from.
type Birth interface {
	Init() (*tlb.StateInit, error)
	Account() (cocoon.Account, error)
}

// Find looks a contract up by what it is born with.
func Find(ctx context.Context, r Reader, b Birth) (Target, error) {
	init, err := b.Init()
	if err != nil {
		return Target{}, err
	}
	a, err := b.Account()
	if err != nil {
		return Target{}, err
	}
	acc, err := r.Account(ctx, a)
	if err != nil {
		return Target{}, fmt.Errorf("read contract %s: %w", a, err)
	}
	if acc.Data != nil {
		return Target{Account: a, Fees: r, Data: acc.Data}, nil
	}
	return Target{Account: a, Init: init, Fees: r.Unborn(init)}, nil
}

// Missing refuses what needs a contract that is not there.
func (t Target) Missing(what string) error {
	if t.Data != nil {
		return nil
	}
	return cocoon.NotFound.Errorf("there is no %s at %s yet", what, t.Account)
}

// NewMessage is body to t with the fee and, on top of it, amounts that move.
func NewMessage[T any](t Target, body T, fee cocoon.Nano, amounts ...cocoon.Nano) (chain.Message, error) {
	encoded, err := Cell(body)
	if err != nil {
		return chain.Message{}, err
	}
	value := fee
	for _, a := range amounts {
		if value, err = value.Add(a); err != nil {
			return chain.Message{}, fmt.Errorf("value of a message to %s: %w", t.Account, err)
		}
	}
	return chain.Message{To: t.Account, Amount: value, Bounce: true, Init: t.Init, Body: encoded}, nil
}
