// Package action turns what a user wants done into messages for the chain:
// with the fee that the contracts ask for at the live prices, the state init
// where the contract is not there yet, and a check that what is asked can
// succeed. It sends nothing.
package action

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Chain is what actions read. All of it is proven.
type Chain interface {
	wrappers.Getter
	Account(ctx context.Context, a cocoon.Account) (chain.Account, error)
	// Unborn runs get-methods of a contract as it will be born with init, at the live prices.
	Unborn(init *tlb.StateInit) chain.Unborn
}

// Desk prepares messages for the contracts of one network.
type Desk struct {
	Chain    Chain
	GlobalID int32
	Registry cocoon.Account
}

// contract is where a message goes.
type contract struct {
	account cocoon.Account
	init    *tlb.StateInit  // nil where the contract is there
	fees    wrappers.Getter // answers its get_fees, born or not
	data    *cell.Cell      // its storage; nil where it is not there
}

type birth interface {
	Init() (*tlb.StateInit, error)
	Account() (cocoon.Account, error)
}

// find looks a contract up by what it is born with.
func (d Desk) find(ctx context.Context, b birth) (contract, error) {
	init, err := b.Init()
	if err != nil {
		return contract{}, err
	}
	a, err := b.Account()
	if err != nil {
		return contract{}, err
	}
	acc, err := d.Chain.Account(ctx, a)
	if err != nil {
		return contract{}, fmt.Errorf("read contract %s: %w", a, err)
	}
	if acc.Data != nil {
		return contract{account: a, fees: d.Chain, data: acc.Data}, nil
	}
	return contract{account: a, init: init, fees: d.Chain.Unborn(init)}, nil
}

// message is body to c with the fee and, on top of it, amounts that move.
func message[T any](c contract, body T, fee cocoon.Nano, amounts ...cocoon.Nano) (chain.Message, error) {
	encoded, err := wrappers.Cell(body)
	if err != nil {
		return chain.Message{}, err
	}
	value := fee
	for _, a := range amounts {
		if value, err = value.Add(a); err != nil {
			return chain.Message{}, fmt.Errorf("value of a message to %s: %w", c.account, err)
		}
	}
	return chain.Message{To: c.account, Amount: value, Bounce: true, Init: c.init, Body: encoded}, nil
}

// missing refuses what needs a contract that is not there.
func (c contract) missing(what string) error {
	if c.data != nil {
		return nil
	}
	return cocoon.NotFound.Errorf("there is no %s at %s yet", what, c.account)
}
