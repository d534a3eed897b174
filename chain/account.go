package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Status is what an account is to the chain.
type Status string

// An account that never was and one that was deleted are both None.
const (
	None   Status = "none"
	Uninit Status = "uninit" // holds coin but no code
	Active Status = "active"
	Frozen Status = "frozen" // ran out of coin for its rent
)

// Account is one account as proven at Block.
type Account struct {
	ID       cocoon.Account
	State    Status
	Balance  cocoon.Nano
	Code     *cell.Cell // nil unless active
	Data     *cell.Cell // nil unless active
	LastLT   uint64     // of its newest transaction; 0 where it has none
	LastHash [32]byte   // of that transaction
	Block    *BlockID   // the masterchain block

	state *tlb.AccountState // nil where there is none
}

// Account reads the account at the newest masterchain block.
func (c *Client) Account(ctx context.Context, a cocoon.Account) (Account, error) {
	head, err := c.Head(ctx)
	if err != nil {
		return Account{}, err
	}
	return c.AccountAt(ctx, head, a)
}

// AccountAt reads the account as it was at that masterchain block. Liteservers
// keep old states for a while only.
func (c *Client) AccountAt(ctx context.Context, master *BlockID, a cocoon.Account) (Account, error) {
	if master == nil {
		return Account{}, errNoBlock
	}
	q := question{what: "read account " + a.String(), timeout: c.opts.Timeout, part: shards, seqno: master.SeqNo}
	state, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*tlb.Account, error) {
		state, err := api.WaitForBlock(master.SeqNo).GetAccount(ctx, master, Address(a))
		if err == nil && !exists(state) {
			err = proveAbsent(ctx, api, master, Address(a))
		}
		return state, err
	})
	if err != nil {
		return Account{}, err
	}
	return accountOf(a, master, state)
}

func exists(t *tlb.Account) bool { return t.State != nil && t.State.IsValid }

func accountOf(a cocoon.Account, master *BlockID, t *tlb.Account) (Account, error) {
	found := Account{ID: a, State: None, Block: master}
	if !exists(t) {
		return found, nil
	}
	balance, err := cocoon.NanoFromBig(t.State.Balance.Nano())
	if err != nil {
		return found, fmt.Errorf("balance: %w", err)
	}
	if len(t.LastTxHash) != len(found.LastHash) {
		return found, errors.New("the newest transaction has no hash")
	}
	found.Balance, found.LastLT, found.LastHash, found.state = balance, t.LastTxLT, [32]byte(t.LastTxHash), t.State
	switch t.State.Status {
	case tlb.AccountStatusActive:
		found.State, found.Code, found.Data = Active, t.Code, t.Data
	case tlb.AccountStatusFrozen:
		found.State = Frozen
	case tlb.AccountStatusUninit:
		found.State = Uninit
	}
	return found, nil
}

// WaitAccount reads the account at the newest masterchain block, and again at
// each one that follows, until enough says so or ctx ends.
func (c *Client) WaitAccount(ctx context.Context, a cocoon.Account, enough func(Account) bool) (Account, error) {
	for next := uint32(0); ; {
		found, err := c.accountFrom(ctx, next, a)
		if err != nil {
			return found, fmt.Errorf("wait for account %s: %w", a, err)
		}
		if enough(found) {
			return found, nil
		}
		next = found.Block.SeqNo + 1
	}
}

// accountFrom reads the account at the newest masterchain block, once there is
// one of at least that seqno.
func (c *Client) accountFrom(ctx context.Context, seqno uint32, a cocoon.Account) (Account, error) {
	head, err := c.HeadFrom(ctx, seqno)
	if err != nil {
		return Account{}, err
	}
	return c.AccountAt(ctx, head, a)
}
