package trace

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const (
	libraryRounds = 4      // libraries that refer to libraries
	libraryCells  = 10_000 // that are looked through for references
)

// libraries are those of the masterchain that the account or its message refers
// to, as they are now; nil where there are none.
func libraries(ctx context.Context, s States, before *tvm.PreparedAccount, t *Transaction) ([]*cell.Cell, error) {
	roots := []*cell.Cell{}
	if t.In != nil {
		roots = append(roots, t.In.Cell)
	}
	if state := before.State(); state != nil && state.StateInit != nil {
		roots = append(roots, state.StateInit.Code, state.StateInit.Data)
	}
	dict, found := cell.NewDict(256), map[string]bool{}
	for range libraryRounds {
		wanted := references(roots, found)
		if len(wanted) == 0 {
			break
		}
		libs, err := s.GetLibraries(ctx, wanted...)
		if err != nil {
			return nil, fmt.Errorf("read libraries: %w", err)
		}
		roots = roots[:0]
		for _, lib := range libs {
			if lib == nil {
				continue // it is gone, or never was
			}
			// shared_lib_descr$00 lib:^Cell; who published it does not matter
			key := cell.BeginCell().MustStoreSlice(lib.Hash(), 256).EndCell()
			if err = dict.Set(key, cell.BeginCell().MustStoreUInt(0, 2).MustStoreRef(lib).EndCell()); err != nil {
				return nil, err
			}
			roots = append(roots, lib)
		}
	}
	if dict.IsEmpty() {
		return nil, nil
	}
	return []*cell.Cell{dict.AsCell()}, nil
}

// references are the hashes of libraries that the trees under roots refer to, but
// for those already found, to which they are added.
func references(roots []*cell.Cell, found map[string]bool) (wanted [][]byte) {
	seen := map[cell.Hash]bool{}
	var visit func(*cell.Cell)
	visit = func(c *cell.Cell) {
		if c == nil || seen[c.HashKey()] || len(seen) >= libraryCells {
			return
		}
		seen[c.HashKey()] = true
		if c.GetType() == cell.LibraryCellType {
			if hash := referred(c); hash != nil && !found[string(hash)] {
				found[string(hash)] = true
				wanted = append(wanted, hash)
			}
			return
		}
		for i := range int(c.RefsNum()) {
			if ref, err := c.PeekRef(i); err == nil {
				visit(ref)
			}
		}
	}
	for _, c := range roots {
		visit(c)
	}
	return wanted
}

// referred is the hash in a library cell, after the byte of its type.
func referred(c *cell.Cell) []byte {
	s, err := c.BeginParse()
	if err != nil {
		return nil
	}
	if _, err = s.LoadUInt(8); err != nil {
		return nil
	}
	hash, err := s.LoadSlice(256)
	if err != nil {
		return nil
	}
	return hash
}
