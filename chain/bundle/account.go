package bundle

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// cells are the two roots that the client library wants.
func (p Pair) cells() []*cell.Cell { return []*cell.Cell{p.Block, p.State} }

// master is what the masterchain block shows of itself and the account's shard.
type master struct {
	time  uint32
	shard *ton.BlockIDExt
}

// checkMaster finds the shard block that the masterchain block commits for the account.
func (p *Proof) checkMaster(head Block, globalID int32) (m master, err error) {
	wrong := func(format string, args ...any) (master, error) {
		return master{}, cocoon.Invalid.Errorf("%w of account %s: %w", ErrMaster, p.Account, fmt.Errorf(format, args...))
	}
	state, err := ton.CheckBlockShardStateProof(p.Master.cells(), head.Root[:])
	if err != nil {
		return wrong("%w", err)
	}
	if state.ShardIdent.WorkchainID != -1 || state.Seqno != head.Seqno || state.McStateExtra == nil {
		return wrong("the state is of block %d of workchain %d", state.Seqno, state.ShardIdent.WorkchainID)
	}
	if state.GlobalID != globalID {
		return master{}, otherNetwork("the chain's global id is %d, the bundle says %d", state.GlobalID, globalID)
	}
	var extra tlb.McStateExtra
	if err = tlb.Parse(&extra, state.McStateExtra); err != nil {
		return wrong("%w", err)
	}
	shards, err := ton.LoadShardsFromHashes(extra.ShardHashes, true)
	if err != nil {
		return wrong("%w", err)
	}
	addr := chain.Address(p.Account)
	for _, s := range shards {
		if s.Workchain == 0 && tlb.ShardID(uint64(s.Shard)).ContainsAddress(addr) {
			return master{state.GenUTime, s}, nil
		}
	}
	return wrong("no shard of it is shown")
}

// check reads the account, or makes sure that there is none.
func (p *Proof) check(head Block, m master) (chain.Account, error) {
	shard, err := ton.CheckBlockShardStateProof(p.Shard.cells(), m.shard.RootHash)
	if err != nil {
		return chain.Account{}, p.wrong(ErrAccount, err)
	}
	if shard.Accounts.ShardAccounts == nil {
		return chain.Account{}, p.wrong(ErrAccount, errors.New("no account is shown"))
	}
	key := cell.BeginCell().MustStoreSlice(p.Account[:], 256).EndCell()
	value, extra, err := shard.Accounts.ShardAccounts.LoadValueExtra(key)
	if p.AccountState == nil {
		if !errors.Is(err, cell.ErrNoSuchKeyInDict) { // a way that is pruned ends nowhere
			return chain.Account{}, p.wrong(ErrAbsence, err)
		}
		return chain.ProvenAccount(p.Account, head.ID(), nil, nil)
	}
	if err != nil {
		return chain.Account{}, p.wrong(ErrAccount, err)
	}
	return p.read(head, value, extra)
}

func (p *Proof) wrong(kind, err error) error {
	if err == nil {
		return cocoon.Invalid.Errorf("%w: %s is there", kind, p.Account)
	}
	return cocoon.Invalid.Errorf("%w: %s: %w", kind, p.Account, err)
}

// read reads the state that the place in the shard names by its hash.
func (p *Proof) read(head Block, value, extra *cell.Slice) (chain.Account, error) {
	var place tlb.ShardAccount
	var balance tlb.DepthBalanceInfo
	var state tlb.AccountState
	if err := errors.Join(tlb.LoadFromCell(&place, value), tlb.LoadFromCell(&balance, extra)); err != nil {
		return chain.Account{}, p.wrong(ErrAccount, err)
	}
	if place.Account.HashKey(0) != p.AccountState.HashKey() {
		return chain.Account{}, p.wrong(ErrAccount, errors.New("the state has another hash"))
	}
	if err := tlb.Parse(&state, p.AccountState); err != nil {
		return chain.Account{}, p.wrong(ErrAccount, err)
	}
	if state.Balance.Nano().Cmp(balance.Currencies.Coins.Nano()) != 0 {
		return chain.Account{}, p.wrong(ErrAccount, errors.New("the state has another balance"))
	}
	a, err := chain.ProvenAccount(p.Account, head.ID(), &place, &state)
	if err != nil {
		return chain.Account{}, p.wrong(ErrAccount, err)
	}
	return a, nil
}
