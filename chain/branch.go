package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// addressBits is how long an address within a workchain is.
const addressBits = 256

// Prefix are the addresses of the basechain that begin with the first Len bits of
// From, and the one among them that a descent heads for: From itself.
type Prefix struct {
	From cocoon.Account
	Len  int // 0 to 256
}

// PrefixOf are the addresses of the shard that a shard block belongs to.
func PrefixOf(shard *BlockID) Prefix {
	p := Prefix{}
	for bits := uint64(shard.Shard); bits<<1 != 0; bits <<= 1 {
		p = p.with(bits >> 63)
	}
	return p
}

// Toward is p, and heads for the address in it whose other bits are those of a.
func (p Prefix) Toward(a cocoon.Account) Prefix {
	for i := range p.Len {
		mask := byte(1) << (7 - i%8)
		a[i/8] = a[i/8]&^mask | p.From[i/8]&mask
	}
	return Prefix{a, p.Len}
}

// with is the half of p whose next bit is that. From has to be zero after Len bits.
func (p Prefix) with(bit uint64) Prefix {
	p.From[p.Len/8] |= byte(bit << (7 - p.Len%8))
	p.Len++
	return p
}

// Leaf is an account's place in the state of its shard.
type Leaf struct {
	Account  cocoon.Account
	LastLT   uint64   // of its newest transaction
	LastHash [32]byte // of that transaction
}

// Branch is what one proof shows of the accounts below a prefix: at most one of
// them, and where all others are.
type Branch struct {
	Leaf    *Leaf    // nil where the way ended before one
	Account *Account // the whole of it, where it is the one that the prefix heads for
	Open    []Prefix // below each lies at least one other account
}

// Branch goes down the accounts of a shard at that masterchain block, from a
// prefix on towards the address it heads for. Whoever goes on with all that is
// open has seen every account there is, proven: what a proof leaves out, it names.
func (c *Client) Branch(ctx context.Context, master *BlockID, p Prefix) (Branch, error) {
	if master == nil {
		return Branch{}, errNoBlock
	}
	if p.Len < 0 || p.Len > addressBits {
		return Branch{}, cocoon.Invalid.Errorf("an address has %d bits, not %d", addressBits, p.Len)
	}
	what := fmt.Sprintf("read accounts from %s on", p.From)
	q := question{what: what, timeout: c.opts.Timeout, part: shards, seqno: master.SeqNo}
	query := ton.GetAccountState{ID: master, Account: ton.AccountID{ID: p.From[:]}}
	return ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (Branch, error) {
		var answer tl.Serializable
		if err := api.WaitForBlock(master.SeqNo).Client().QueryLiteserver(ctx, query, &answer); err != nil {
			return Branch{}, err
		}
		switch state := answer.(type) {
		case ton.AccountState:
			return branchOf(master, p, state)
		case ton.LSError:
			return Branch{}, state
		}
		return Branch{}, fmt.Errorf("unexpected answer %T", answer)
	})
}

// branchOf checks the proofs of an answer and reads the way they show.
func branchOf(master *BlockID, p Prefix, state ton.AccountState) (Branch, error) {
	if err := ton.CheckShardInMasterProofForAccount(master, state.ShardProof, state.Shard, Address(p.From)); err != nil {
		return Branch{}, fmt.Errorf("proof of the shard: %w", err)
	}
	shard, err := ton.CheckBlockShardStateProof(state.Proof, state.Shard.RootHash)
	if err != nil {
		return Branch{}, fmt.Errorf("proof of its state: %w", err)
	}
	if shard.Accounts.ShardAccounts == nil {
		return Branch{}, errors.New("the proof shows no accounts")
	}
	w := way{to: p}
	if _, _, err = shard.Accounts.ShardAccounts.TraverseExtra(w.step); err != nil {
		return Branch{}, fmt.Errorf("proof of the accounts: %w", err)
	}
	if w.found.Leaf == nil || w.found.Leaf.Account != p.From {
		return w.found, nil
	}
	w.found.Account, err = wholeOf(master, p.From, w.place, state.State)
	return w.found, err
}

// wholeOf reads the state that an account's place names by its hash.
func wholeOf(master *BlockID, a cocoon.Account, place tlb.ShardAccount, state *cell.Cell) (*Account, error) {
	if state == nil || state.HashKey() != place.Account.HashKey(0) {
		return nil, errors.New("the account is there, its state is not shown")
	}
	var parsed tlb.AccountState
	if err := tlb.Parse(&parsed, state); err != nil {
		return nil, fmt.Errorf("its state: %w", err)
	}
	found, err := ProvenAccount(a, master, &place, &parsed)
	return &found, err
}

// way is one descent through a tree of accounts.
type way struct {
	to    Prefix
	found Branch
	place tlb.ShardAccount // of the leaf
}

// Directions of the client library's traversal.
const (
	stop = 0
	left = 1 // and right is one more
)

// step is at a node of the tree, whose key begins as at says; value is nil at a fork.
func (w *way) step(at *cell.Cell, _, value *cell.Slice) (int, error) {
	key, err := prefixOf(at)
	if err != nil {
		return stop, err
	}
	if value != nil {
		return stop, w.leaf(key.From, value)
	}
	switch astray := key.From != w.to.first(key.Len); {
	case key.Len >= addressBits:
		return stop, errors.New("a fork below the last bit of an address")
	case astray && key.Len < w.to.Len:
		return stop, errors.New("it leads past the prefix")
	case astray: // the way ends: nothing lies at the address itself
		w.found.Open = append(w.found.Open, key.with(0), key.with(1))
		return stop, nil
	}
	next := w.to.bit(key.Len)
	if key.Len >= w.to.Len {
		w.found.Open = append(w.found.Open, key.with(1-next))
	}
	return left + int(next), nil
}

func (w *way) leaf(a cocoon.Account, value *cell.Slice) error {
	if !w.to.Contains(a) {
		return errors.New("it leads past the prefix")
	}
	if err := tlb.LoadFromCell(&w.place, value); err != nil {
		return err
	}
	if len(w.place.LastTransHash) != 32 || w.place.Account == nil {
		return errors.New("an account without a state or a newest transaction")
	}
	w.found.Leaf = &Leaf{a, w.place.LastTransLT, [32]byte(w.place.LastTransHash)}
	return nil
}

// prefixOf reads the key of a node.
func prefixOf(key *cell.Cell) (p Prefix, err error) {
	s, err := key.BeginParse()
	if err != nil {
		return p, err
	}
	p.Len = int(s.BitsLeft())
	if p.Len > addressBits {
		return p, fmt.Errorf("a key of %d bits", p.Len)
	}
	bits, err := s.LoadSlice(uint(p.Len))
	copy(p.From[:], bits)
	return p, err
}

// first are the first n bits of the address that p heads for.
func (p Prefix) first(n int) (a cocoon.Account) {
	copy(a[:], p.From[:n/8])
	if n%8 > 0 {
		a[n/8] = p.From[n/8] &^ (0xff >> (n % 8))
	}
	return a
}

func (p Prefix) bit(i int) uint64 { return uint64(p.From[i/8]>>(7-i%8)) & 1 }

// Contains reports whether an address begins with p.
func (p Prefix) Contains(a cocoon.Account) bool {
	return Prefix{From: a}.first(p.Len) == p.first(p.Len)
}
