package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// AccountProof asks for the account at that masterchain block as liteservers
// answer, with its proofs. Nothing of it is checked here: accept has to, and a
// server whose answer it refuses counts as one that did not answer.
func (c *Client) AccountProof(ctx context.Context, master *BlockID, a cocoon.Account, accept func(ton.AccountState) error) error {
	if master == nil {
		return errNoBlock
	}
	query := ton.GetAccountState{ID: master, Account: ton.AccountID{ID: a[:]}}
	q := question{what: "read the proof of account " + a.String(), timeout: c.opts.Timeout, part: shards, seqno: master.SeqNo, alone: true}
	_, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (none struct{}, err error) {
		var answer tl.Serializable
		if err = api.WaitForBlock(master.SeqNo).Client().QueryLiteserver(ctx, query, &answer); err != nil {
			return none, err
		}
		switch state := answer.(type) {
		case ton.AccountState:
			return none, accept(state)
		case ton.LSError:
			return none, state
		}
		return none, fmt.Errorf("unexpected answer %T", answer)
	})
	return err
}

// BlockProof asks how one masterchain block follows from another. The answer may
// lead part of the way only, and as in AccountProof accept has to check it.
func (c *Client) BlockProof(ctx context.Context, from, to *BlockID, accept func(ton.PartialBlockProof) error) error {
	if from == nil || to == nil {
		return errNoBlock
	}
	what := fmt.Sprintf("read the proof from masterchain block %d to %d", from.SeqNo, to.SeqNo)
	q := question{what: what, timeout: c.opts.Timeout, seqno: max(from.SeqNo, to.SeqNo), alone: true}
	_, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (none struct{}, err error) {
		part, err := api.GetBlockProof(ctx, from, to)
		if err != nil {
			return none, err
		}
		return none, accept(*part)
	})
	return err
}

// ProvenAccount is the account whose state and place in a shard somebody has
// proven to be those at that masterchain block; both are nil for one that is
// proven not to be there.
func ProvenAccount(a cocoon.Account, master *BlockID, place *tlb.ShardAccount, state *tlb.AccountState) (Account, error) {
	if place == nil && state == nil {
		return Account{ID: a, State: None, Block: master}, nil
	}
	if place == nil || state == nil {
		return Account{}, errors.New("an account has a place and a state, or neither")
	}
	t := tlb.Account{IsActive: true, State: state, LastTxLT: place.LastTransLT, LastTxHash: place.LastTransHash}
	if state.StateInit != nil {
		t.Code, t.Data = state.StateInit.Code, state.StateInit.Data
	}
	return accountOf(a, master, &t)
}
