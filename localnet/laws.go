package localnet

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// newRules reads what the masterchain's accounts make law with this block: the
// config that its contract keeps, and the libraries that contracts publish.
func (s *seal) newRules() error {
	next := *s.rules
	s.commit.key = s.seqno() == firstKey
	if t := s.touched[configAddress()]; t != nil {
		switch changed, err := s.newConfig(t); {
		case err != nil:
			s.chain.log.Warn("the config contract keeps what cannot be a config; the last one stays in force", "error", err)
		case changed != nil:
			next, s.commit.key = *changed, true
			next.libraries = s.rules.libraries
		}
	}
	var err error
	if next.libraries, err = s.newLibraries(); err != nil {
		return fmt.Errorf("renew the public libraries: %w", err)
	}
	s.commit.rules = &next
	return nil
}

// newConfig is the config in the first reference of its contract's data, nil
// where it is the one in force.
func (s *seal) newConfig(t *touched) (*rules, error) {
	if !t.active() {
		return nil, nil
	}
	data := t.account.State().StateInit.Data
	if data == nil || data.RefsNum() == 0 {
		return nil, fmt.Errorf("the data of the config contract has no reference")
	}
	root := data.MustPeekRef(0)
	if root.HashKey() == s.rules.config.Root().HashKey() {
		return nil, nil
	}
	return newRules(s.rules.globalID, root.WithoutTrace(), publicOf(s.chain.keys.validator))
}

// newLibraries publishes and withdraws what masterchain accounts changed.
func (s *seal) newLibraries() (*cell.Cell, error) {
	all := cell.NewDict(256)
	if s.rules.libraries != nil {
		all = s.rules.libraries.AsDict(256)
	}
	for id, t := range s.touched {
		before, err := openLane(s.accounts, id.in(masterchainID))
		if err != nil {
			return nil, err
		}
		old, now := published(before.account.State()), published(t.account.State())
		for hash := range old {
			if now[hash] == nil {
				if err = withdraw(all, hash, id); err != nil {
					return nil, err
				}
			}
		}
		for hash, library := range now {
			if old[hash] == nil {
				if err = publish(all, hash, library, id); err != nil {
					return nil, err
				}
			}
		}
	}
	return all.AsCell(), nil
}

// published are the public libraries of an account, by hash.
func published(state *tlb.AccountState) map[cell.Hash]*cell.Cell {
	list := map[cell.Hash]*cell.Cell{}
	if state == nil || !state.IsValid || state.Status != tlb.AccountStatusActive || state.StateInit == nil || state.StateInit.Lib == nil {
		return list
	}
	items, err := state.StateInit.Lib.LoadAll()
	if err != nil {
		return list
	}
	for _, item := range items {
		// simple_lib$_ public:Bool root:^Cell
		public, err1 := item.Value.LoadBoolBit()
		root, err2 := item.Value.LoadRefCell()
		key, err3 := item.Key.LoadSlice(256)
		if err1 == nil && err2 == nil && err3 == nil && public && root.HashKey() == cell.Hash(key) {
			list[root.HashKey()] = root.WithoutTrace()
		}
	}
	return list
}

// publishers of a library are a set of accounts in shared_lib_descr$00 lib:^Cell
// publishers:(Hashmap 256 True).
func publishers(all *cell.Dictionary, hash cell.Hash) (*cell.Dictionary, error) {
	value, err := all.LoadValue(bits256(hash))
	if isMissing(err) {
		return cell.NewDict(256), nil
	}
	if err != nil {
		return nil, err
	}
	if _, err = value.LoadUInt(2); err != nil {
		return nil, err
	}
	if _, err = value.LoadRefCell(); err != nil {
		return nil, err
	}
	return value.ToDict(256)
}

func publish(all *cell.Dictionary, hash cell.Hash, library *cell.Cell, id accountID) error {
	set, err := publishers(all, hash)
	if err != nil {
		return err
	}
	if err = set.Set(id.key(), cell.BeginCell().EndCell()); err != nil {
		return err
	}
	return setPublishers(all, hash, library, set)
}

func withdraw(all *cell.Dictionary, hash cell.Hash, id accountID) error {
	value, err := all.LoadValue(bits256(hash))
	if err != nil {
		return err
	}
	library, err := value.PreloadRefCell()
	if err != nil {
		return err
	}
	set, err := publishers(all, hash)
	if err != nil {
		return err
	}
	if err = set.Delete(id.key()); err != nil {
		return err
	}
	if set.IsEmpty() {
		return all.Delete(bits256(hash))
	}
	return setPublishers(all, hash, library, set)
}

func setPublishers(all *cell.Dictionary, hash cell.Hash, library *cell.Cell, set *cell.Dictionary) error {
	b := cell.BeginCell().MustStoreUInt(0, 2).MustStoreRef(library)
	if err := b.StoreBuilder(set.AsCell().ToBuilder()); err != nil {
		return err
	}
	return all.Set(bits256(hash), b.EndCell())
}
