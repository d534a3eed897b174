package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

var errNotAbsent = errors.New("the proof does not show that there is no such account")

// proveAbsent asks again for an account that there is said not to be. The client
// library takes a proof that leaves out the way to an account for one of its
// absence; this wants the place where the way ends.
func proveAbsent(ctx context.Context, api *ton.APIClient, master *BlockID, a *address.Address) error {
	var answer tl.Serializable
	query := ton.GetAccountState{ID: master, Account: ton.AccountID{Workchain: a.Workchain(), ID: a.Data()}}
	if err := api.Client().QueryLiteserver(ctx, query, &answer); err != nil {
		return err
	}
	state, ok := answer.(ton.AccountState)
	if !ok || state.Shard == nil {
		return fmt.Errorf("%w: the answer is %T", errNotAbsent, answer)
	}
	if err := ton.CheckShardInMasterProofForAccount(master, state.ShardProof, state.Shard, a); err != nil {
		return fmt.Errorf("%w: %w", errNotAbsent, err)
	}
	shard, err := ton.CheckBlockShardStateProof(state.Proof, state.Shard.RootHash)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotAbsent, err)
	}
	if shard.Accounts.ShardAccounts == nil {
		return errNotAbsent
	}
	key := cell.BeginCell().MustStoreSlice(a.Data(), 256).EndCell()
	if _, err = shard.Accounts.ShardAccounts.LoadValue(key); !errors.Is(err, cell.ErrNoSuchKeyInDict) {
		return errors.Join(errNotAbsent, err)
	}
	return nil
}
