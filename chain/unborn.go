package chain

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// Unborn answers get-methods of a contract that is not deployed yet as it would
// once it is, at the live prices: what its first message has to bring can be
// asked before there is anything to ask.
type Unborn struct {
	client *Client
	init   *tlb.StateInit
}

// Unborn is the contract that init would give birth to.
func (c *Client) Unborn(init *tlb.StateInit) Unborn { return Unborn{c, init} }

// Get runs a get-method on the first state, as Client.Get does on a deployed one.
func (u Unborn) Get(ctx context.Context, a cocoon.Account, method string, args ...any) ([]any, error) {
	head, err := u.client.Head(ctx)
	if err != nil {
		return nil, err
	}
	cfg, block, err := u.client.moment(ctx, head)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", method, err)
	}
	return runGet(cfg, block, Account{ID: a, Code: u.init.Code, Data: u.init.Data}, method, args)
}
