package trace

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// ErrNoBlock is what Blocks answers where the chain has no such block, or none yet.
var ErrNoBlock = errors.New("no such block")

// ErrNotFound says that a transaction is not where it was looked for.
var ErrNotFound = errors.New("no such transaction")

// Blocks is a chain, as far as traces need it.
type Blocks interface {
	// Tops are the newest masterchain block and the shard blocks it commits.
	Tops(ctx context.Context) ([]*ton.BlockIDExt, error)
	// Lookup is the first block of the shard that ends at or after lt. On networks
	// with archives, a shard as narrow as an account finds the one the account was in.
	Lookup(ctx context.Context, workchain int32, shard int64, lt uint64) (*ton.BlockIDExt, error)
	// Block is the whole block of that id.
	Block(ctx context.Context, id *ton.BlockIDExt) (*cell.Cell, error)
}

// Reader puts traces together out of a chain's blocks. It keeps the blocks it
// has read and serves one caller at a time.
type Reader struct {
	Blocks Blocks
	Limits Limits
	// Wait is how many blocks of its receiver's shard a message is looked for in;
	// 0 means 64.
	Wait int
	// Back is how many blocks, newest first, are searched for a hash; 0 means 2000.
	Back int

	read map[string]*block // by root hash
}

// At is the transaction of an account with that logical time.
func (r *Reader) At(ctx context.Context, account *address.Address, lt uint64) (*Transaction, error) {
	b, err := r.around(ctx, account, lt)
	if errors.Is(err, ErrNoBlock) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find the transaction of %s at lt %d: %w", account.StringRaw(), lt, err)
	}
	for _, t := range b.of(account) {
		if t.LT == lt {
			return t, nil
		}
	}
	return nil, fmt.Errorf("find the transaction of %s at lt %d: %w", account.StringRaw(), lt, ErrNotFound)
}

// Trace is the tree that t belongs to, from the message that came from outside
// or as far up as the chain and the limits allow. A tree that comes with an
// error is what could be found.
func (r *Reader) Trace(ctx context.Context, t *Transaction) (*Node, error) {
	root := t
	for range r.Limits.complete().Depth {
		up, err := r.sender(ctx, root)
		if err != nil {
			return nil, err
		}
		if up == nil {
			break
		}
		root = up
	}
	n, err := grow(ctx, root, r, r.Limits)
	if err != nil {
		return n, fmt.Errorf("follow transaction %x: %w", root.Hash, err)
	}
	return n, nil
}

// sender is the transaction that sent the message t took; nil where that came
// from outside, or from the network itself.
func (r *Reader) sender(ctx context.Context, t *Transaction) (*Transaction, error) {
	if t.In == nil || t.In.internal() == nil || !isStd(t.In.Msg.SenderAddr()) {
		return nil, nil
	}
	in := t.In.internal()
	b, err := r.around(ctx, in.SrcAddr, in.CreatedLT)
	if err != nil {
		return nil, fmt.Errorf("find what sent message %x: %w", t.In.Hash(), err)
	}
	for _, up := range b.of(in.SrcAddr) {
		if up.sent(t.In) {
			return up, nil
		}
	}
	return nil, nil
}

// delivery looks for m in the blocks of its receiver from the moment it was sent.
func (r *Reader) delivery(ctx context.Context, m *Message) (*Transaction, error) {
	in := m.internal()
	if !isStd(in.DstAddr) {
		return nil, errFar
	}
	wait, lt := r.Wait, in.CreatedLT
	if wait <= 0 {
		wait = 64
	}
	for range wait {
		b, err := r.around(ctx, in.DstAddr, lt)
		if errors.Is(err, ErrNoBlock) {
			return nil, r.missing(ctx, in.DstAddr, lt)
		}
		if err != nil {
			return nil, err
		}
		for _, t := range b.of(in.DstAddr) {
			if t.took(m) {
				return t, nil
			}
		}
		lt = max(b.info.EndLt, lt) + 1
	}
	return nil, errFar
}
