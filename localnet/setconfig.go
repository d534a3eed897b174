package localnet

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// configCode is the contract that keeps the config where nodes look for it, in
// the first reference of its data: config:^Cell seqno:uint32 key:uint256
// votes:(HashmapE 16 Cell). It takes the next one from an external message
// signature:bits512 seqno:uint32 config:^Cell, and does nothing else.
var configCode = assemble(
	"FF00",     // SETCP0
	"A4", "DC", // INC IFRET: internal messages only bring coins
	"8308", "D718", // 512 LDSLICEX: signature rest
	"20", "F901", // DUP HASHSU
	"ED44", "D0", "D4", "31", // c4 CTOS LDREF NIP
	"D31F", "D3FF", "30", // 32 LDU 256 LDU DROP: signature rest hash seqno key
	"22", "25", "22", "F910", // s2 s5 s2 PUSH CHKSIGNU
	"F2A1",             // 33 THROWIFNOT
	"23", "D31F", "01", // s3 PUSH 32 LDU SWAP
	"23", "BA", "F2A2", "F800", // s3 PUSH EQUAL 34 THROWIFNOT ACCEPT
	"D4", "30", // LDREF DROP: seqno key config
	"C8", "CC", // NEWC STREF
	"58", "A4", "01", "CB1F", // ROT INC SWAP 32 STU
	"CBFF", "70", "01", "CB00", // 256 STU 0 SWAP 1 STU
	"C9", "ED54", // ENDC c4 POP
)

func assemble(instructions ...string) *cell.Cell {
	b := cell.BeginCell()
	for _, i := range instructions {
		raw, err := hex.DecodeString(i)
		if err != nil {
			panic(err) // a constant of this package
		}
		b.MustStoreSlice(raw, uint(8*len(raw)))
	}
	return b.EndCell()
}

// addConfigContract is part of the genesis. An account of that address that was
// asked for takes its place.
func addConfigContract(accounts *tlb.ShardAccountsAugDict, config *cell.Dictionary, key ed25519.PublicKey, utime uint32) error {
	id := configAddress().in(masterchainID)
	if there, err := loadAccount(accounts, id.accountID); err != nil || there != nil {
		return err
	}
	data := cell.BeginCell().MustStoreRef(config.AsCell()).MustStoreUInt(0, 32).MustStoreSlice(key, 256).MustStoreBoolBit(false).EndCell()
	return addAccount(accounts, GenesisAccount{Code: configCode, Data: data, Nano: big.NewInt(1e9)}, id, utime)
}

var errOverruled = errors.New("another config became law meanwhile")

// SetConfig replaces parameters of the config, and takes away those whose cell is
// nil: it signs a message to the contract that keeps the config, and returns when
// the key block that makes it law can be seen. A config that blocks could not be
// made with is refused.
func (c *Chain) SetConfig(params map[uint32]*cell.Cell) error {
	config, err := changed(c.view().head.rules.config.Root(), params)
	if err != nil {
		return fmt.Errorf("set config: %w", err)
	}
	if _, err = newRules(c.cfg.GlobalID, config, publicOf(c.keys.validator)); err != nil {
		return fmt.Errorf("set config: %w", err)
	}
	m, err := c.configMessage(config)
	if err != nil {
		return fmt.Errorf("set config: %w", err)
	}
	if err = c.pool.add(m); err == nil {
		err = c.Mine()
	}
	if err == nil && c.view().head.rules.config.Root().HashKey() != config.HashKey() {
		err = errOverruled
	}
	if err != nil {
		return fmt.Errorf("set config: %w", err)
	}
	return nil
}

// changed is a config with other parameters.
func changed(root *cell.Cell, params map[uint32]*cell.Cell) (*cell.Cell, error) {
	config := root.AsDict(32).Copy()
	for id, value := range params {
		key := new(big.Int).SetUint64(uint64(id))
		var err error
		if value == nil {
			if err = config.DeleteIntKey(key); isMissing(err) {
				err = nil
			}
		} else {
			err = config.SetIntKey(key, cell.BeginCell().MustStoreRef(value).EndCell())
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", id, err)
		}
	}
	return config.AsCell(), nil
}

// configMessage asks the config contract for another config.
func (c *Chain) configMessage(config *cell.Cell) (*external, error) {
	id := configAddress().in(masterchainID)
	l, err := openLane(c.view().head.accounts, id)
	if err != nil {
		return nil, err
	}
	state := l.account.State()
	if state == nil || state.StateInit == nil || state.StateInit.Code.HashKey() != configCode.HashKey() {
		return nil, errors.New("the config is not kept by the contract of the genesis")
	}
	data, err := state.StateInit.Data.BeginParse()
	if err != nil {
		return nil, err
	}
	seqno, err := data.LoadUInt(32)
	if err != nil {
		return nil, err
	}
	asked := cell.BeginCell().MustStoreUInt(seqno, 32).MustStoreRef(config)
	body := cell.BeginCell().MustStoreSlice(ed25519.Sign(c.keys.validator, asked.EndCell().Hash()), 512).MustStoreBuilder(asked)
	m, err := tlb.ToCell(&tlb.ExternalMessage{DstAddr: id.address(), Body: body.EndCell()})
	return &external{cell: m, to: id}, err
}
