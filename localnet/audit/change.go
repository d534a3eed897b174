package audit

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// checkAccounts does to the accounts of before what the account blocks tell, and
// must find the accounts of the new state: nobody else's changed.
func (t *step) checkAccounts() error {
	accounts, touched := t.before.accounts, map[[32]byte]bool{}
	for _, a := range t.block.accounts {
		touched[a.account] = true
		if !t.block.shard.contains(address{t.block.shard.workchain, a.account}.place()) {
			return fmt.Errorf("account %x is out of shard %s", a.account, t.block.shard)
		}
		old, _, err := find(accounts, a.account)
		if err != nil {
			return err
		}
		if old.account.HashKey() != a.old {
			return fmt.Errorf("account %x was %x, its account block begins at %x", a.account, old.account.Hash(), a.old)
		}
		now, _, err := find(t.after.accounts, a.account)
		if err != nil {
			return err
		}
		if now.account.HashKey() != a.new {
			return fmt.Errorf("account %x is %x, its account block ends at %x", a.account, now.account.Hash(), a.new)
		}
		if err = t.replace(a.account); err != nil {
			return err
		}
	}
	for a := range t.surgery {
		if a.workchain == t.block.shard.workchain && t.block.shard.contains(a.place()) && !touched[a.id] {
			if err := t.operate(a.id); err != nil {
				return err
			}
		}
	}
	got, want := accounts.AsCell(), t.after.accounts.AsCell()
	if (got == nil) != (want == nil) || got != nil && got.HashKey() != want.HashKey() {
		return errors.New("an account without an account block changed")
	}
	return nil
}

// replace takes an account's entry from the new state.
func (t *step) replace(id [32]byte) error {
	value, err := t.after.accounts.LoadValue(idCell(id))
	if errors.Is(err, cell.ErrNoSuchKeyInDict) {
		if err = t.before.accounts.Delete(idCell(id)); errors.Is(err, cell.ErrNoSuchKeyInDict) {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	c, err := value.ToCell()
	if err != nil {
		return err
	}
	return t.before.accounts.Set(idCell(id), c)
}

// operate accepts what was done to an account by hand, and notes what it gained.
func (t *step) operate(id [32]byte) error {
	old, err := t.balance(id)
	if err != nil {
		return err
	}
	if err = t.replace(id); err != nil {
		return err
	}
	now, err := t.balance(id)
	t.byHand = t.byHand.plus(now).minus(old)
	return err
}

func (t *step) balance(id [32]byte) (money, error) {
	a, ok, err := find(t.before.accounts, id)
	if err != nil || !ok {
		return money{}, err
	}
	s, err := a.account.BeginParse()
	if err != nil {
		return money{}, err
	}
	return balanceOf(s)
}

// checkTransactions follows each account's transactions from the old state to
// the new: each names the one before, in hash, lt and state.
func (t *step) checkTransactions() error {
	for _, a := range t.block.accounts {
		if len(a.txs) == 0 {
			return fmt.Errorf("account block of %x is empty", a.account)
		}
		now, exists, err := find(t.after.accounts, a.account)
		if err != nil {
			return err
		}
		last := a.txs[len(a.txs)-1]
		if exists && (now.lastHash != last.hash || now.lastLT != last.lt) {
			return fmt.Errorf("the last transaction of account %x is %d, its state says %d", a.account, last.lt, now.lastLT)
		}
		if err = t.block.checkChain(a); err != nil {
			return fmt.Errorf("account %x: %w", a.account, err)
		}
		if err = t.checkFirst(a); err != nil {
			return fmt.Errorf("account %x: %w", a.account, err)
		}
	}
	return nil
}

// checkFirst: the first transaction names the last one of the old state.
// checkAccounts has put the new entry into before, so that it is looked up in the
// state itself.
func (t *step) checkFirst(a *accountBlock) error {
	old, err := t.last(a.account)
	if err != nil {
		return err
	}
	if first := a.txs[0]; first.prevHash != old.lastHash || first.prevLT != old.lastLT || first.lt <= old.lastLT {
		return fmt.Errorf("transaction %d follows %d, the old state ends at %d", first.lt, first.prevLT, old.lastLT)
	}
	return nil
}

func (t *step) last(id [32]byte) (account, error) {
	old := t.reference.state
	for _, p := range t.prev {
		if p.shard.contains(address{p.shard.workchain, id}.place()) {
			old = p.state
		}
	}
	a, _, err := find(old.accounts, id)
	return a, err
}

// checkChain is what the transactions of one account must keep among themselves.
func (b *block) checkChain(a *accountBlock) error {
	state, previous := a.old, (*transaction)(nil)
	for _, tx := range a.txs {
		end := tx.lt + uint64(len(tx.out)) + 1
		switch {
		case tx.now != b.info.GenUtime:
			return fmt.Errorf("transaction %d was made at %d, the block at %d", tx.lt, tx.now, b.info.GenUtime)
		case tx.lt <= b.info.StartLt || end > b.info.EndLt:
			return fmt.Errorf("transaction %d to %d is out of the block, %d to %d", tx.lt, end, b.info.StartLt, b.info.EndLt)
		case tx.old != state:
			return fmt.Errorf("transaction %d begins at state %x, not %x", tx.lt, tx.old, state)
		case previous != nil && (tx.prevHash != previous.hash || tx.prevLT != previous.lt):
			return fmt.Errorf("transaction %d follows %d, not %d", tx.lt, tx.prevLT, previous.lt)
		case previous != nil && tx.lt <= previous.lt+uint64(len(previous.out)):
			return fmt.Errorf("transaction %d begins before %d ends", tx.lt, previous.lt)
		}
		state, previous = tx.new, tx
	}
	if state != a.new {
		return fmt.Errorf("its transactions end at state %x, its account block at %x", state, a.new)
	}
	return nil
}
