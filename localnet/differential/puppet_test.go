package differential

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// A puppet runs the program that a message brings in the first reference of its
// body; the rest of the body is left on the stack. A body without references is
// a deposit.
//
//	SETCP0; DROP; DUP; SREFS; IFNOTRET; LDREF; SWAP; CTOS; BLESS; JMPX
func puppet() *cell.Cell { return assemble(code("FF00" + "30" + "20" + "D74A" + "DD" + runNext)) }

const runNext = "D4" + "01" + "D0" + "ED1E" + "D9"

// A clockwork runs the program in its data, whatever wakes it.
//
//	SETCP0; DROP; c4 PUSH; CTOS; LDREF; SWAP; CTOS; BLESS; JMPX
func clockwork() *cell.Cell { return assemble(code("FF00" + "30" + "ED44" + "D0" + runNext)) }

// sharedProgram is a program that lies in the masterchain's libraries.
func sharedProgram() *cell.Cell { return assemble(code("F800"), code("F823"), code(storeNumber)) }

// publicLibraries of the masterchain: a puppet and a program.
func publicLibraries() *cell.Cell {
	d := cell.NewDict(256)
	for _, c := range []*cell.Cell{puppet(), sharedProgram()} {
		if err := d.Set(cell.BeginCell().MustStoreSlice(c.Hash(), 256).EndCell(), cell.BeginCell().MustStoreRef(c).EndCell()); err != nil {
			panic(err)
		}
	}
	return d.AsCell()
}

// stateInit of the n-th account with that code. Data hold n, so that addresses
// differ, and bulk cells to pay rent for.
func stateInit(code *cell.Cell, n, bulk int) *tlb.StateInit {
	return &tlb.StateInit{Code: code, Data: cell.BeginCell().MustStoreUInt(uint64(n), 32).MustStoreRef(tree(bulk, 64, uint64(n))).EndCell()}
}

// tree is a tree of about n different cells with so many bits each.
func tree(n int, bits uint, salt uint64) *cell.Cell {
	b := cell.BeginCell().MustStoreUInt(salt<<20|uint64(n), 64)
	for b.BitsUsed() < bits {
		b.MustStoreUInt(0, min(64, bits-b.BitsUsed()))
	}
	rest := n - 1
	for i := 0; i < 4 && rest > 0; i++ {
		part := rest / (4 - i)
		if part == 0 {
			continue
		}
		rest -= part
		b.MustStoreRef(tree(part, bits, salt*4+uint64(i)+1))
	}
	return b.EndCell()
}

// born is an account that exists from the beginning.
func born(at *address.Address, init *tlb.StateInit, nano *big.Int, now uint32) (lane, error) {
	storage := tlb.AccountStorage{Status: tlb.AccountStatusUninit, Balance: tlb.FromNanoTON(nano)}
	if init != nil {
		storage.Status, storage.StateInit = tlb.AccountStatusActive, init
	}
	c, err := storage.ToCell()
	if err != nil {
		return lane{}, err
	}
	used := measure(c)
	account, err := tlb.ToCell(tlb.AccountState{IsValid: true, Address: at, AccountStorage: storage,
		StorageInfo: tlb.StorageInfo{StorageUsed: used, StorageExtra: tlb.StorageExtraNone{}, LastPaid: now}})
	if err != nil {
		return lane{}, err
	}
	return shelve(account, at)
}

// nobody is an account that does not exist.
func nobody(at *address.Address) (lane, error) {
	return shelve(cell.BeginCell().MustStoreUInt(0, 1).EndCell(), at)
}

func shelve(account *cell.Cell, at *address.Address) (lane, error) {
	root, err := tlb.ToCell(tlb.ShardAccount{Account: account, LastTransHash: make([]byte, 32)})
	if err != nil {
		return lane{}, fmt.Errorf("account %s: %w", at, err)
	}
	return open(root, at)
}

// measure counts the distinct cells of a tree and their bits.
func measure(root *cell.Cell) tlb.StorageUsed {
	seen, bits := map[cell.Hash]bool{}, int64(0)
	var visit func(*cell.Cell)
	visit = func(c *cell.Cell) {
		if seen[c.HashKey()] {
			return
		}
		seen[c.HashKey()] = true
		bits += int64(c.BitsSize())
		for i := range int(c.RefsNum()) {
			visit(c.MustPeekRef(i))
		}
	}
	visit(root)
	return tlb.StorageUsed{CellsUsed: big.NewInt(int64(len(seen))), BitsUsed: big.NewInt(bits)}
}
