package gateway

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Money is what a dispatcher may owe and is owed. An error that a daemon is to
// read holds a *stream.Fail; any other is told by its kind.
type Money interface {
	// Hello begins a session on a channel of that key, and ends every older one.
	Hello(ctx context.Context, key [32]byte, h stream.Hello) (stream.State, error)
	// Admit reserves what the first slice of a request costs at most.
	Admit(key [32]byte, w Work) error
	// Extend reserves so many tokens more of each choice, and says how many there are now.
	Extend(id stream.RequestID, session uint64, tokens uint32) (granted uint32, err error)
	// Cover takes a newer voucher of the channel that a request is paid from.
	Cover(id stream.RequestID, session uint64, v voucher.Signed) error
	// Assign says whose receipt counts for a request from now on.
	Assign(id stream.RequestID, attempt uint8, c stream.Candidate) error
	// Keep has on disk what a run shows of its keys, before anything is ordered of it.
	Keep(ctx context.Context, of Run, keys []byte) error
	// Kept is what Keep had last, also in a process before this one; nil where there is nothing.
	Kept(ctx context.Context, of Run) ([]byte, error)
	// Commit enters a receipt; bytes is what the answer came to, or the most there is
	// where nobody counted.
	Commit(ctx context.Context, u receipt.SignedUsage, c receipt.SignedCertificate, bytes uint64) (Ticket, error)
	// Earned signs what providers are owed, where it is time to.
	Earned(ctx context.Context) ([]receipt.SignedEarned, error)
	// Promised is what a provider was promised, in each number that counts, and what it may be now.
	Promised(ctx context.Context, provider cocoon.Account) ([]receipt.SignedEarned, error)
	// Book is what the dispatcher owes now, signed: workers want it every few minutes.
	Book() ([]byte, error)
	// Time is the chain's, by which books grow old.
	Time() time.Time
	// Settle takes a client's word on a bill, and what it signed with it.
	Settle(ctx context.Context, key [32]byte, session uint64, s stream.Settle) (stream.State, error)
	// Close ends service under a channel on which nothing is open, and promises what its client may close it with.
	Close(ctx context.Context, key [32]byte, c stream.Close) (stream.Promise, error)
	// Release ends a request of which nothing is to be paid.
	Release(id stream.RequestID)
	// Left are the requests that a process before this one left without a bill.
	Left() []Left
}

// Left is a request that nobody sees to its end any more.
type Left struct {
	Request stream.RequestID
	Worker  Run // that was asked last; zero where nobody was
}

// Work is a request as far as money goes.
type Work struct {
	Route stream.Route
	Pay   stream.Pay
	Bytes uint32       // of the body, which bound the prompt's tokens
	Price cocoon.Price // the dearest of all candidates, part by part
}

// Ticket is a receipt that was entered: what became of it, once that is on disk.
type Ticket func(context.Context) (Booked, error)

// Booked is what became of a receipt.
type Booked struct {
	Ack   uint32   // the worker's run may forget those up to this one
	Void  string   // why nobody pays it, "" where its client does
	Again bool     // it was booked before
	Payer [32]byte // the daemon's key, zero where nobody is to answer it
}

// Run is one run of a worker.
type Run struct {
	Worker [32]byte
	Boot   stream.Boot
}

// Workers are who may be asked.
type Workers interface {
	// Runs are those that are up, with their providers.
	Runs() map[Run]cocoon.Account
	// Candidates are sets of workers that serve a model now, the least busy first.
	Candidates(l stream.Lease) [][]stream.Candidate
	// Known tells whether candidates for a model at such prices were asked for before:
	// the first time all workers are looked at.
	Known(m cocoon.ModelID, caps cocoon.Price) bool
	// Serving is how many workers each model has that Candidates would be drawn from now.
	Serving(q stream.ModelsOf) []uint32
	// Began and Ended count what a worker has of ours; Ended says whether it failed.
	Began(worker [32]byte)
	Ended(worker [32]byte, failed bool)
}
