package localnet

import (
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// found is an account in the block that holds it, with what proves both.
type found struct {
	asked, holder *block // the block of the question; the one whose state has the account
	shardProof    []*cell.Cell
	proof         []*cell.Cell
	account       *tlb.ShardAccount // nil where there is none
}

// findAccount proves an account, or that there is none, at a block.
func (l lookout) findAccount(block *ton.BlockIDExt, a ton.AccountID) (found, error) {
	if len(a.ID) != 32 {
		return found{}, badQuery("an account id has 32 bytes, not %d", len(a.ID))
	}
	asked, err := l.findBlock(block)
	if err != nil {
		return found{}, err
	}
	id := accountID(a.ID).in(a.Workchain)
	f := found{asked: asked, holder: asked}
	switch {
	case asked.shard.contains(id.place()):
	case asked.commitment != nil && a.Workchain == basechainID && asked.tops != nil:
		f.holder = asked.holder(id)
		if f.shardProof, err = asked.proveShards(); err != nil {
			return found{}, err
		}
	default:
		return found{}, badQuery("block %d of shard %s does not know account %s", asked.id.SeqNo, asked.shard, id.address())
	}
	header, err := f.holder.prove(nil)
	if err != nil {
		return found{}, err
	}
	state, err := f.holder.proveState(func(state *tlb.ShardStateUnsplit) (err error) {
		f.account, err = loadAccount(state.Accounts.ShardAccounts, accountID(a.ID))
		return err
	})
	f.proof = []*cell.Cell{header, state}
	return f, err
}

func (l lookout) accountState(id *ton.BlockIDExt, a ton.AccountID) (tl.Serializable, error) {
	f, err := l.findAccount(id, a)
	if err != nil {
		return nil, err
	}
	answer := ton.AccountState{ID: f.asked.id, Shard: f.holder.id, ShardProof: f.shardProof, Proof: f.proof}
	if f.account != nil {
		answer.State = f.account.Account.WithoutTrace()
	}
	return answer, nil
}
