// Package bundle is one file that shows the states of accounts to whoever trusts
// nothing but one block of the chain: the way from that block to a newer or older
// masterchain block by the validators' signatures, and from there the Merkle
// proofs down to each account. It is checked offline. Layout and rules are in
// docs/protocol/bundle.md.
package bundle

import (
	"math"
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// What a bundle may hold at most.
const (
	MaxBytes      = 32 << 20
	MaxLinks      = 512 // key blocks on the way, about a year of mainnet
	MaxSignatures = 256 // of one block
	MaxAccounts   = 64
	maxCells      = 1 << 20
)

// Bundle is what a file says; nothing of it is believed before Verify.
type Bundle struct {
	GlobalID  int32
	ZeroState [32]byte // root hash of what the network began with
	From      Block    // has to be trusted
	Links     []Link   // lead from there to the block of the accounts; none where it is From
	Accounts  []Proof  // in ascending order, at least one
}

// Block names a masterchain block.
type Block struct {
	Seqno          uint32
	Root, FileHash [32]byte
}

// Link is how one masterchain block vouches for the next: forward by signatures
// of the validators that it names, back by the list of old blocks in its state.
type Link struct {
	Forward bool
	ToKey   bool // the block it leads to is a key block
	To      Block
	Dest    *cell.Cell // proof of the header of To
	Config  *cell.Cell // forward: proof of the validators in the block before
	State   *cell.Cell // back: proof of To in the state of the block before
	Header  *cell.Cell // back: proof of that state in the block before
	Signed  Signatures // forward
}

// Signatures are those of one block, in ascending order of Node.
type Signatures struct {
	ValidatorSet, Catchain uint32
	List                   []Signature
	Simplex                *Simplex // nil for blocks whose id is signed
}

// Signature is one validator's.
type Signature struct {
	Node  [32]byte // short id of the validator's key
	Bytes [64]byte
}

// Simplex is what validators sign since TON's consensus of 2026 beside the block.
type Simplex struct {
	Session   [32]byte
	Slot      int32
	Candidate []byte
}

// Proof is the way from the masterchain block to one account.
type Proof struct {
	Account      cocoon.Account
	Master       Pair       // of the shard in the masterchain state
	Shard        Pair       // of the account in the shard's state
	AccountState *cell.Cell // nil where there is no such account
}

// Pair proves something of the state after a block: its hash in the block, and
// the thing in it.
type Pair struct{ Block, State *cell.Cell }

// Proven is what a bundle shows.
type Proven struct {
	GlobalID int32
	Block    chain.BlockID // the masterchain block; may be trusted from now on
	Time     time.Time     // of that block, in whole seconds
	Accounts []chain.Account
}

// Account is the account of that address among those proven.
func (p Proven) Account(a cocoon.Account) (chain.Account, bool) {
	for _, found := range p.Accounts {
		if found.ID == a {
			return found, true
		}
	}
	return chain.Account{}, false
}

// Of is the accounts of those addresses, in that order. A bundle about others is
// ErrOthers: true as it may be, it is not what was asked.
func (p Proven) Of(asked ...cocoon.Account) ([]chain.Account, error) {
	list := make([]chain.Account, len(asked))
	for i, a := range asked {
		found, ok := p.Account(a)
		if !ok {
			return nil, cocoon.Invalid.Errorf("%w: not of %s", ErrOthers, a)
		}
		list[i] = found
	}
	return list, nil
}

// BlockOf is id without what every masterchain block has in common.
func BlockOf(id *chain.BlockID) (b Block) {
	b.Seqno = id.SeqNo
	copy(b.Root[:], id.RootHash)
	copy(b.FileHash[:], id.FileHash)
	return b
}

// ID is the block's full name.
func (b Block) ID() *chain.BlockID {
	return &chain.BlockID{Workchain: -1, Shard: math.MinInt64, SeqNo: b.Seqno, RootHash: b.Root[:], FileHash: b.FileHash[:]}
}

// Head is the masterchain block of the accounts.
func (b *Bundle) Head() Block {
	if len(b.Links) == 0 {
		return b.From
	}
	return b.Links[len(b.Links)-1].To
}
