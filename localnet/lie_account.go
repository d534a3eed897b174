package localnet

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
)

func (l liar) state(query, _ tl.Serializable) tl.Serializable {
	switch q := query.(type) {
	case ton.GetAccountState:
		asked := q.ID
		if a, ok := older[ton.AccountState](l, asked, func(id *ton.BlockIDExt) tl.Serializable { q.ID = id; return q }); ok {
			a.ID = asked
			return a
		}
	case ton.RunSmcMethod:
		asked := q.ID
		if a, ok := older[ton.RunMethodResult](l, asked, func(id *ton.BlockIDExt) tl.Serializable { q.ID = id; return q }); ok {
			a.ID = asked
			return a
		}
	}
	return nil
}

func (l liar) balance(_, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.AccountState)
	if !ok || a.State == nil {
		return nil
	}
	var account tlb.AccountState
	if err := tlb.Parse(&account, a.State); err != nil {
		return nil
	}
	account.Balance = tlb.FromNanoTON(new(big.Int).Add(account.Balance.Nano(), big.NewInt(1e9)))
	richer, err := tlb.ToCell(&account)
	if err != nil {
		return nil
	}
	a.State = richer
	return a
}

// absent proves the absence of an account in another part of the shard, so that
// the proof leaves out whether the one asked for is there.
func (l liar) absent(query, honest tl.Serializable) tl.Serializable {
	q, asked := query.(ton.GetAccountState)
	a, ok := honest.(ton.AccountState)
	if !asked || !ok || a.State == nil {
		return nil
	}
	wanted := address.NewAddress(0, byte(q.Account.Workchain), q.Account.ID)
	for bit := range 256 {
		other := q
		other.Account.ID = flip(q.Account.ID, bit)
		b, ok := l.ask(other).(ton.AccountState)
		if !ok || b.State != nil || !b.Shard.Equals(a.Shard) {
			continue
		}
		if _, _, err := ton.CheckAccountStateProof(wanted, nil, b.Proof, nil, nil, true); errors.Is(err, ton.ErrNoAddrInProof) {
			return b
		}
	}
	return nil
}

func (l liar) result(_, honest tl.Serializable) tl.Serializable {
	a, ok := honest.(ton.RunMethodResult)
	if !ok || a.Result == nil {
		return nil
	}
	var stack tlb.Stack
	if err := tlb.Parse(&stack, a.Result); err != nil {
		return nil
	}
	var values []any
	changed := false
	for stack.Depth() > 0 {
		value, err := stack.Pop()
		if err != nil {
			return nil
		}
		if n, number := value.(*big.Int); number && !changed {
			value, changed = new(big.Int).Add(n, big.NewInt(1)), true
		}
		values = append([]any{value}, values...)
	}
	for _, value := range values {
		stack.Push(value)
	}
	result, err := stack.ToCell()
	if err != nil || !changed {
		return nil
	}
	a.Result = result
	return a
}
