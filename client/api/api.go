// Package api is the client's face to applications: OpenAI's HTTP interface on
// localhost. It reads requests, holds API keys to their limits and budgets,
// keeps a ledger of usage and writes answers, streamed or whole; a Backend
// carries the requests to workers. Prompts and answers pass through memory only.
package api

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Backend carries requests to workers. Its errors are cocoon's kinds, an *Error
// where the application needs a code of its own, or a *Refusal.
type Backend interface {
	// Models are the models that may be asked, whether or not a worker serves them now,
	// in an order that stays.
	Models(ctx context.Context) ([]Model, error)
	// Reserve is the most r may cost as far as Start would let it run before
	// it sets more aside; NotFound where the model is not served. It is asked
	// once a request and answers from memory.
	Reserve(ctx context.Context, r Request) (cocoon.Nano, error)
	// Start returns when a worker took r, or when it failed and nothing is owed.
	// Where ctx ends before, the answer says what is owed.
	Start(ctx context.Context, r Request) (Answer, error)
}

// Model is one that may be asked.
type Model struct {
	Name    string
	Created time.Time // since when it is registered
	Owner   string
	Context int          // tokens of prompt and answer together; 0 where unknown
	Price   cocoon.Price // the lowest offered now
	Workers *uint32      // that serve it now, as is said; nil where nobody says
}

// Request is what an application asks, ready for an engine.
type Request struct {
	ID       string // of the ledger and the logs, unique
	Endpoint string // a path of protocol/openai
	Model    string // as the network knows it
	Body     []byte // JSON; chat and completions always stream, with usage
	MaxOut   int    // tokens of each choice; 0 where the application set no limit
	Choices  int    // answers the engine generates; 0 for embeddings
	Affinity []byte // equal for turns of one conversation, for a day; nil where there is no use in it
	Key      string // id of the API key that pays
	Deadline time.Time
}

// Answer is a request that a worker took.
type Answer interface {
	// Next is the next data of the engine's stream, all that is there and one at
	// least, each a JSON object; for embeddings the whole body, once. An error may
	// come with the last of it: io.EOF says that the answer is whole, any other that
	// it was cut, and ctx's that it was cancelled.
	Next(ctx context.Context) ([][]byte, error)
	// Reserved is the most the answer may cost as far as it is let run now. It
	// never falls.
	Reserved() cocoon.Nano
	// Bill is what is known so far; after Close it is what is paid.
	Bill() Bill
	// Close stops what still runs, at once, and waits until the bill is known.
	Close() error
}

// Bill is what an answer came to.
type Bill struct {
	Usage    cocoon.Usage
	Cost     cocoon.Nano
	Request  string // id on the network
	Worker   string // on-chain key
	Attempts int    // workers tried, the last included
}
