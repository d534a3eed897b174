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

// missing tells a block that has not come yet from one that nobody keeps any more.
func (r *Reader) missing(ctx context.Context, account *address.Address, lt uint64) error {
	top, err := r.topOf(ctx, account)
	if err != nil {
		return err
	}
	b, err := r.load(ctx, top)
	if err != nil {
		return err
	}
	if b.info.EndLt < lt {
		return errPending
	}
	return errFar
}

// around is the block of the account's shard that holds lt, or the next.
func (r *Reader) around(ctx context.Context, account *address.Address, lt uint64) (*block, error) {
	id, err := r.Blocks.Lookup(ctx, account.Workchain(), narrow(account), lt)
	if errors.Is(err, ErrNoBlock) {
		// this liteserver may know shards by their exact names only
		var top *ton.BlockIDExt
		if top, err = r.topOf(ctx, account); err == nil {
			id, err = r.Blocks.Lookup(ctx, account.Workchain(), top.Shard, lt)
		}
	}
	if err != nil {
		return nil, err
	}
	if id.Workchain != account.Workchain() || !holds(id.Shard, account) {
		return nil, fmt.Errorf("asked for a block of %s, got one of shard %d:%016x", account.StringRaw(), id.Workchain, uint64(id.Shard))
	}
	return r.load(ctx, id)
}

// topOf is the newest block of the shard that has the account.
func (r *Reader) topOf(ctx context.Context, account *address.Address) (*ton.BlockIDExt, error) {
	tops, err := r.Blocks.Tops(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range tops {
		if id.Workchain == account.Workchain() && holds(id.Shard, account) {
			return id, nil
		}
	}
	return nil, fmt.Errorf("%w: nobody keeps workchain %d", ErrNoBlock, account.Workchain())
}

// load is the block of that id, which is kept.
func (r *Reader) load(ctx context.Context, id *ton.BlockIDExt) (*block, error) {
	b := r.read[string(id.RootHash)]
	if b != nil {
		return b, nil
	}
	b, err := r.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.read == nil {
		r.read = map[string]*block{}
	}
	r.read[string(id.RootHash)] = b
	return b, nil
}

// fetch is load without keeping anything.
func (r *Reader) fetch(ctx context.Context, id *ton.BlockIDExt) (*block, error) {
	c, err := r.Blocks.Block(ctx, id)
	if err != nil {
		return nil, err
	}
	return parseBlock(id, c)
}

// narrow is the narrowest shard there may be that has the account.
func narrow(a *address.Address) int64 {
	if a.Workchain() == address.MasterchainID {
		return fullShard
	}
	return int64(prefix(a)&^0xf | 8)
}
