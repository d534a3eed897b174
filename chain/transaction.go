package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// page is how many transactions a liteserver returns at most.
const page = 16

// maxExternal is the largest external message validators take, in bytes.
const maxExternal = 65535

// Transactions are at most n transactions of the account, newest first, from the
// one with that lt and hash backwards. Each is checked against the hash that the
// one after it names, so with the last lt and hash of a proven Account they are
// proven too. Liteservers keep old transactions for a while only; those they no
// longer have are NotFound.
func (c *Client) Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error) {
	var found []*tlb.Transaction
	for len(found) < n && lt != 0 {
		q := question{what: "read transactions of " + a.String(), timeout: c.opts.Timeout}
		batch, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) ([]*tlb.Transaction, error) {
			return api.ListTransactions(ctx, Address(a), uint32(min(page, n-len(found))), lt, hash[:])
		})
		if isUnknownTransaction(err) {
			return nil, cocoon.NotFound.Errorf("no liteserver has the transaction of %s at lt %d: %w", a, lt, err)
		}
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 || len(batch[0].PrevTxHash) != len(hash) {
			return nil, cocoon.Unreachable.Errorf("the transaction of %s at lt %d is missing", a, lt)
		}
		slices.Reverse(batch)
		found = append(found, batch...)
		last := found[len(found)-1]
		lt, hash = last.PrevTxLT, [32]byte(last.PrevTxHash)
	}
	return found[:min(n, len(found))], nil
}

func isUnknownTransaction(err error) bool {
	var ls ton.LSError
	return errors.Is(err, ton.ErrNoTransactionsWereFound) || errors.As(err, &ls) && ls.Code == codeNotKept
}

// Broadcast hands an external message to a liteserver for the validators. No
// error means that it was taken, not that it will be executed. ErrRejected says
// that every liteserver that answered found it impossible to execute.
func (c *Client) Broadcast(ctx context.Context, message *cell.Cell) error {
	if message == nil {
		return cocoon.Invalid.Errorf("no message is given")
	}
	var parsed tlb.Message
	if err := tlb.Parse(&parsed, message); err != nil {
		return cocoon.Invalid.Errorf("not a message: %w", err)
	}
	if parsed.MsgType != tlb.MsgTypeExternalIn {
		return cocoon.Invalid.Errorf("an internal message cannot be broadcast; a wallet sends it")
	}
	boc := message.ToBOCWithOptions(cell.BOCSerializeOptions{})
	if len(boc) > maxExternal {
		return cocoon.Invalid.Errorf("the message takes %d bytes, the chain carries %d", len(boc), maxExternal)
	}
	var lost atomic.Bool // some server may have taken it
	q := question{what: "broadcast", timeout: c.opts.Timeout, alone: true, once: true}
	_, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (struct{}, error) {
		err := broadcast(ctx, api, boc)
		var ls ton.LSError
		if !errors.As(err, &ls) {
			lost.Store(true)
		}
		return struct{}{}, err
	})
	var kinded *cocoon.Error
	if !lost.Load() && errors.As(err, &kinded) && ctx.Err() == nil {
		return cocoon.Conflict.Errorf("%w: %w", ErrRejected, err)
	}
	return err
}

func broadcast(ctx context.Context, api *ton.APIClient, boc []byte) error {
	var answer tl.Serializable
	if err := api.Client().QueryLiteserver(ctx, ton.SendMessage{Body: boc}, &answer); err != nil {
		return err
	}
	switch status := answer.(type) {
	case ton.SendMessageStatus:
		if status.Status != 1 {
			return fmt.Errorf("status %d", status.Status)
		}
		return nil
	case ton.LSError:
		return status
	}
	return fmt.Errorf("unexpected answer %T", answer)
}
