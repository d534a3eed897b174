package gateway

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Money is what a dispatcher may owe and is owed. An error that a daemon is to
// read holds a *stream.Fail; any other is the dispatcher's own.
type Money interface {
	// Hello begins a session on a channel of that key, and ends every older one.
	Hello(ctx context.Context, key [32]byte, h stream.Hello) (stream.State, error)
	// Admit reserves an amount for a request, which the voucher and what was
	// signed before have to cover together with all that is open.
	Admit(ctx context.Context, key [32]byte, w Work, reserve cocoon.Nano) error
	// Extend reserves so much more for a request.
	Extend(id stream.RequestID, by cocoon.Nano) error
	// Cover takes a newer voucher of the channel that a request is paid from.
	Cover(id stream.RequestID, v voucher.Signed) error
	// Commit has a receipt on disk when it returns. A client pays one attempt of a
	// request: charge says that it is this one. Once more is no error.
	Commit(ctx context.Context, u receipt.SignedUsage, charge bool) error
	// Settle takes a client's word on a bill, and what it signed with it.
	Settle(ctx context.Context, key [32]byte, s stream.Settle) (stream.State, error)
	// Release ends a request of which nothing is to be paid.
	Release(id stream.RequestID)
	// Ack is what a worker's run may forget, and what its provider is owed.
	Ack(worker [32]byte, boot stream.Boot) stream.Ack
}

// Work is a request as far as money goes.
type Work struct {
	Route stream.Route
	Pay   stream.Pay
	Bytes uint32 // of the body, which bound the prompt's tokens
}

// Workers are who may be asked.
type Workers interface {
	// Candidates are sets of workers that serve a model now, the least busy first.
	Candidates(l stream.Lease) [][]stream.Candidate
	// Began and Ended count what a worker has of ours; Ended says whether it failed.
	Began(worker [32]byte)
	Ended(worker [32]byte, failed bool)
}
