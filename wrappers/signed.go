package wrappers

import (
	"crypto/ed25519"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Signature is an Ed25519 signature in a cell of its own.
type Signature struct {
	Bytes [64]byte `tlb:"bits 512"`
}

// SignedCell is a cell with the signature of its hash.
type SignedCell struct {
	Signature [64]byte   `tlb:"bits 512"`
	Signed    *cell.Cell `tlb:"^"`
}

// Possession is what a key signs to prove that somebody holds it.
type Possession struct {
	_        tlb.Magic      `tlb:"#0e9337df"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"`
	Key      [32]byte       `tlb:"bits 256"`
}

// Sign encodes v, one of the schema's signed layouts, and signs its hash.
func Sign[T any](v T, key ed25519.PrivateKey) (*cell.Cell, Signature, error) {
	c, err := Cell(v)
	if err != nil {
		return nil, Signature{}, fmt.Errorf("sign: %w", err)
	}
	return c, Signature{[64]byte(ed25519.Sign(key, c.Hash()))}, nil
}

// ProvePossession signs key's own public half for contract on the network globalID.
func ProvePossession(key ed25519.PrivateKey, globalID int32, contract cocoon.Account) (Signature, error) {
	_, sig, err := Sign(Possession{GlobalID: globalID, Contract: contract, Key: PublicKey(key)}, key)
	return sig, err
}

// PublicKey is the public half of key, as contracts keep it.
func PublicKey(key ed25519.PrivateKey) [32]byte { return [32]byte(key.Public().(ed25519.PublicKey)) }
