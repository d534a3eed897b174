package localnet

import (
	"bytes"
	"encoding/binary"
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

func (a accountID) in(workchain int32) fullID { return fullID{workchain, a} }

// fullID is an account.
type fullID struct {
	workchain int32
	accountID
}

func (f fullID) address() *address.Address {
	return address.NewAddress(0, byte(f.workchain), f.accountID[:])
}

func (f fullID) place() place {
	return place{f.workchain, binary.BigEndian.Uint64(f.accountID[:])}
}

func bits256(b [32]byte) *cell.Cell { return cell.BeginCell().MustStoreSlice(b[:], 256).EndCell() }

// Accounts of the masterchain that the config names: whoever keeps the config,
// and whom a real network's elections are held by.
func configAddress() accountID  { return accountID(bytes.Repeat([]byte{0x55}, 32)) }
func electorAddress() accountID { return accountID(bytes.Repeat([]byte{0x33}, 32)) }

var errForeign = errors.New("localnet has the basechain and the masterchain only")

// parseAddress refuses everything but a plain address in one of the two workchains.
func parseAddress(a *address.Address) (fullID, error) {
	switch {
	case a == nil || a.Type() != address.StdAddress:
		return fullID{}, errors.New("not a plain account address")
	case a.Workchain() != basechainID && a.Workchain() != masterchainID:
		return fullID{}, fmt.Errorf("address in workchain %d: %w", a.Workchain(), errForeign)
	}
	return fullID{a.Workchain(), accountID(a.Data())}, nil
}

// isAmount tells whether n fits Coins: not negative, at most 120 bits.
func isAmount(n *big.Int) bool { return n != nil && n.Sign() >= 0 && n.BitLen() <= 120 }

// GenesisAccount is an account the chain starts with: a contract, or where Code
// is nil an address that only holds coin; or, with State, an account as it was
// recorded on another network.
type GenesisAccount struct {
	Address    *address.Address
	Code, Data *cell.Cell
	Nano       *big.Int // nanoTON
	// TickTock lets a masterchain contract run at the start and the end of every
	// masterchain block, if parameter 31 of the config names it.
	TickTock tlb.TickTock
	// State is a whole account, as a liteserver or RecordAccount gives it. Its
	// balance, code and data are kept; the other fields must be empty.
	State *cell.Cell
}

func (g GenesisAccount) id() (fullID, error) {
	if g.State != nil {
		return g.recordedID()
	}
	id, err := parseAddress(g.Address)
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

// recordedID is the address that a recorded state names.
func (g GenesisAccount) recordedID() (fullID, error) {
	if g.Code != nil || g.Data != nil || g.Nano != nil {
		return fullID{}, errors.New("a recorded account takes no other code, data or balance")
	}
	var state tlb.AccountState
	if err := tlb.Parse(&state, g.State); err != nil {
		return fullID{}, fmt.Errorf("parse a recorded account: %w", err)
	}
	if !state.IsValid {
		return fullID{}, errors.New("the recorded account does not exist")
	}
	id, err := parseAddress(state.Address)
	if err != nil {
		return id, err
	}
	if g.Address != nil && !g.Address.Equals(state.Address) {
		return id, fmt.Errorf("the recorded account is %s, not %s", state.Address, g.Address)
	}
	return id, nil
}

// cell is the account as the ShardAccounts dictionary of a state holds it.
func (g GenesisAccount) cell(id fullID, now uint32) (*cell.Cell, error) {
	state := g.fresh
	if g.State != nil {
		state = g.recorded
	}
	account, err := state(id, now)
	if err != nil {
		return nil, err
	}
	return tlb.ToCell(tlb.ShardAccount{Account: account, LastTransHash: make([]byte, 32)})
}

// recorded is the state without its logical time, which belongs to another chain.
func (g GenesisAccount) recorded(fullID, uint32) (*cell.Cell, error) {
	var state tlb.AccountState
	if err := tlb.Parse(&state, g.State); err != nil {
		return nil, err
	}
	state.LastTransactionLT = 0
	return tlb.ToCell(state)
}

func (g GenesisAccount) fresh(id fullID, now uint32) (*cell.Cell, error) {
	storage := tlb.AccountStorage{Status: tlb.AccountStatusUninit, Balance: tlb.FromNanoTON(g.Nano)}
	if g.Code != nil {
		init := &tlb.StateInit{Code: g.Code, Data: g.Data}
		if g.TickTock.Tick || g.TickTock.Tock {
			init.TickTock = &g.TickTock
		}
		storage.Status, storage.StateInit = tlb.AccountStatusActive, init
	}
	c, err := storage.ToCell()
	if err != nil {
		return nil, err
	}
	return tlb.ToCell(tlb.AccountState{IsValid: true, Address: id.address(), AccountStorage: storage,
		StorageInfo: tlb.StorageInfo{StorageUsed: measure(c), StorageExtra: tlb.StorageExtraNone{}, LastPaid: now}})
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
