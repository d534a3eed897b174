package audit

import (
	"errors"
	"fmt"
	"maps"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// publication is a library that an account of the masterchain has made public.
type publication struct{ library, publisher hash }

// checkLibraries compares the state's collection of libraries with what accounts
// of the masterchain have made public.
func (t *step) checkLibraries() error {
	listed, err := listed(t.after.libraries)
	if err != nil {
		return err
	}
	published, err := published(t.after.accounts)
	if err != nil {
		return err
	}
	if !maps.Equal(listed, published) {
		return fmt.Errorf("%d publications are listed, accounts have %d, or others", len(listed), len(published))
	}
	return nil
}

// listed reads shared_lib_descr$00 lib:^Cell publishers:(Hashmap 256 True).
func listed(libraries *cell.Dictionary) (map[publication]bool, error) {
	items, err := libraries.LoadAll()
	if err != nil {
		return nil, err
	}
	all := map[publication]bool{}
	for _, item := range items {
		var p publication
		tag, err1 := item.Value.LoadUInt(2)
		lib, err2 := item.Value.LoadRefCell()
		err3 := item.Key.LoadSliceInto(p.library[:], 256)
		if err = errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		if tag != 0 || lib.HashKey() != p.library {
			return nil, fmt.Errorf("library %x is listed as %x", lib.Hash(), p.library)
		}
		publishers, err := item.Value.ToDict(256)
		if err != nil {
			return nil, err
		}
		who, err := publishers.LoadAll()
		if err != nil {
			return nil, err
		}
		for _, w := range who {
			if err = w.Key.LoadSliceInto(p.publisher[:], 256); err != nil {
				return nil, err
			}
			all[p] = true
		}
	}
	return all, nil
}

// published goes through the libraries of all accounts.
func published(accounts *tlb.ShardAccountsAugDict) (map[publication]bool, error) {
	all := map[publication]bool{}
	err := accounts.ForEachValueExtra(func(value, _ *cell.Slice) (bool, error) {
		a, err := loadAccount(value)
		if err != nil {
			return false, err
		}
		return true, publications(a.account, all)
	})
	return all, err
}

// publications adds those of one account: entries simple_lib$_ public:Bool root:^Cell.
func publications(c *cell.Cell, into map[publication]bool) error {
	s, err := c.BeginParse()
	if err != nil {
		return err
	}
	var state tlb.AccountState
	if err = state.LoadFromCell(s); err != nil {
		return err
	}
	if state.StateInit == nil || state.StateInit.Lib == nil {
		return nil
	}
	items, err := state.StateInit.Lib.LoadAll()
	if err != nil {
		return err
	}
	for _, item := range items {
		public, err1 := item.Value.LoadBoolBit()
		root, err2 := item.Value.LoadRefCell()
		if err = errors.Join(err1, err2); err != nil {
			return err
		}
		if public {
			into[publication{root.HashKey(), hash(state.Address.Data())}] = true
		}
	}
	return nil
}

func sameCell(a, b *cell.Cell) bool {
	return a == nil && b == nil || a != nil && b != nil && a.HashKey() == b.HashKey()
}
