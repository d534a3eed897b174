package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// accountID is an account within its workchain.
type accountID [32]byte

func (a accountID) key() *cell.Cell { return bits256(a) }

func (a accountID) address() *address.Address { return address.NewAddress(0, 0, a[:]) }

func bits256(b [32]byte) *cell.Cell { return cell.BeginCell().MustStoreSlice(b[:], 256).EndCell() }

// The contracts of config and elector are named by the config, but nothing
// runs on the masterchain yet.
func configAddress() accountID  { return accountID(bytes.Repeat([]byte{0x55}, 32)) }
func electorAddress() accountID { return accountID(bytes.Repeat([]byte{0x33}, 32)) }

var errForeign = errors.New("localnet delivers to the basechain only")

// basechainID refuses everything but a plain address in the basechain.
func basechainID(a *address.Address) (accountID, error) {
	switch {
	case a == nil || a.Type() != address.StdAddress:
		return accountID{}, errors.New("not a plain account address")
	case a.Workchain() != 0:
		return accountID{}, fmt.Errorf("address in workchain %d: %w", a.Workchain(), errForeign)
	}
	return accountID(a.Data()), nil
}

// GenesisAccount is an account the chain starts with: a contract, or where Code
// is nil an address that only holds coin.
type GenesisAccount struct {
	Address    *address.Address // in the basechain
	Code, Data *cell.Cell
	Nano       *big.Int // nanoTON
}

func (g GenesisAccount) id() (accountID, error) {
	id, err := basechainID(g.Address)
	if err != nil {
		return id, err
	}
	if !isAmount(g.Nano) {
		return id, fmt.Errorf("account %s: balance %v is not an amount", g.Address, g.Nano)
	}
	if (g.Code == nil) != (g.Data == nil) {
		return id, fmt.Errorf("account %s: code and data go together", g.Address)
	}
	return id, nil
}

// isAmount tells whether n fits Coins: not negative, at most 120 bits.
func isAmount(n *big.Int) bool { return n != nil && n.Sign() >= 0 && n.BitLen() <= 120 }

// cell is the account as the ShardAccounts dictionary of the zerostate holds it.
func (g GenesisAccount) cell(now uint32) (*cell.Cell, error) {
	storage := tlb.AccountStorage{Status: tlb.AccountStatusUninit, Balance: tlb.FromNanoTON(g.Nano)}
	if g.Code != nil {
		storage.Status, storage.StateInit = tlb.AccountStatusActive, &tlb.StateInit{Code: g.Code, Data: g.Data}
	}
	c, err := storage.ToCell()
	if err != nil {
		return nil, err
	}
	used := measure(c)
	account, err := tlb.ToCell(tlb.AccountState{IsValid: true, Address: g.Address, AccountStorage: storage,
		StorageInfo: tlb.StorageInfo{StorageUsed: used, StorageExtra: tlb.StorageExtraNone{}, LastPaid: now}})
	if err != nil {
		return nil, err
	}
	return tlb.ToCell(tlb.ShardAccount{Account: account, LastTransHash: make([]byte, 32)})
}

// measure counts the distinct cells of a tree and their bits.
func measure(root *cell.Cell) tlb.StorageUsed {
	seen, bits := map[cell.Hash]bool{}, uint64(0)
	var visit func(*cell.Cell)
	visit = func(c *cell.Cell) {
		if seen[c.HashKey()] {
			return
		}
		seen[c.HashKey()] = true
		bits += uint64(c.BitsSize())
		for i := range int(c.RefsNum()) {
			visit(c.MustPeekRef(i))
		}
	}
	visit(root)
	return tlb.StorageUsed{CellsUsed: big.NewInt(int64(len(seen))), BitsUsed: new(big.Int).SetUint64(bits)}
}
