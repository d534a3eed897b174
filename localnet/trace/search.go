package trace

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
)

// Find looks for the newest transaction with a hash that begins so, its own or
// that of one of its messages.
func (r *Reader) Find(ctx context.Context, hash []byte) (found *Transaction, err error) {
	err = r.back(ctx, func(b *block) bool {
		for _, t := range b.txs {
			if t.has(hash) && (found == nil || t.own(hash)) {
				found = t
			}
		}
		return found != nil
	})
	if found == nil && err == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find a transaction or message %x: %w", hash, err)
	}
	return found, nil
}

// Find is the node that the hash, or its beginning, belongs to: the transaction
// of that hash, or the one that took the message of that hash, or else the message
// on its way; nil where there is none.
func (n *Node) Find(hash []byte) (found *Node) {
	n.Each(func(n *Node) bool {
		if n.Transaction != nil && n.Transaction.own(hash) || n.Transaction == nil && n.Message.has(hash) {
			found = n
		}
		return found == nil
	})
	return found
}

// own reports whether the hash is that of t or of what it took.
func (t *Transaction) own(hash []byte) bool {
	alone := *t
	alone.Out = nil
	return alone.has(hash)
}

// Last is the account's newest transaction, searched for in the newest blocks.
func (r *Reader) Last(ctx context.Context, account *address.Address) (last *Transaction, err error) {
	err = r.back(ctx, func(b *block) bool {
		txs := b.of(account)
		if len(txs) > 0 {
			last = txs[len(txs)-1]
		}
		return last != nil
	})
	if last == nil && err == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find a transaction of %s: %w", account.StringRaw(), err)
	}
	return last, nil
}

// back visits blocks, from the newest of each shard backwards side by side,
// until look is done, the limit or the beginning is reached.
func (r *Reader) back(ctx context.Context, look func(*block) (done bool)) error {
	queue, err := r.Blocks.Tops(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	limit := r.Back
	if limit <= 0 {
		limit = 2000
	}
	for ; len(queue) > 0 && len(seen) < limit; queue = queue[1:] {
		id := queue[0]
		if id.SeqNo == 0 || seen[string(id.RootHash)] {
			continue
		}
		seen[string(id.RootHash)] = true
		b, err := r.fetch(ctx, id)
		if errors.Is(err, ErrNoBlock) {
			continue // older than this liteserver keeps
		}
		if err != nil {
			return err
		}
		if look(b) {
			return nil
		}
		queue = append(queue, b.parents...)
	}
	return nil
}
