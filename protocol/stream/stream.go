// Package stream is what a client's daemon, a dispatcher and a worker say to
// each other about one request and its answer: the route that all three read,
// the prompt that only a worker can, frames of the answer that only the daemon
// can, and the messages around them. docs/protocol/stream.md draws the bytes.
package stream

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"

	"github.com/cocoon-network/cocoon"
)

// Version begins every message; others are refused.
const Version = 1

const (
	// MaxCandidates is how many workers a prompt is encrypted to at most.
	MaxCandidates = 8
	// MaxPart is the most bytes of a body in one message.
	MaxPart = 256 << 10
	// MaxFrame is the size of the largest frame.
	MaxFrame = 256 << 10
)

// RequestID names a request; whoever knows it can ask for its cancellation.
type RequestID [16]byte

// NewRequestID draws one.
func NewRequestID() (id RequestID) {
	_, _ = rand.Read(id[:]) // it never fails
	return id
}

// String is 32 hex digits.
func (id RequestID) String() string { return hex.EncodeToString(id[:]) }

// Boot names one run of a worker.
type Boot [16]byte

// String is 32 hex digits.
func (b Boot) String() string { return hex.EncodeToString(b[:]) }

// KeyID is how requests name an encryption key of a worker: the first 4 bytes of
// its id, which is SHA-256 of its public half.
func KeyID(id [32]byte) uint32 { return binary.BigEndian.Uint32(id[:]) }

// Endpoint is what of the engine a request is for.
type Endpoint uint8

// Endpoints.
const (
	Chat Endpoint = iota + 1
	Completions
	Embeddings
)

// paths of endpoints, as OpenAI names them.
var paths = map[Endpoint]string{Chat: "/v1/chat/completions", Completions: "/v1/completions", Embeddings: "/v1/embeddings"}

// Path is the HTTP path of e, "" where there is none.
func (e Endpoint) Path() string { return paths[e] }

// EndpointOf is the endpoint at an HTTP path; Invalid where there is none.
func EndpointOf(path string) (Endpoint, error) {
	for e, p := range paths {
		if p == path {
			return e, nil
		}
	}
	return 0, cocoon.Invalid.Errorf("no worker serves %q", path)
}

// Reason is why an answer ended, as its receipt says.
type Reason uint8

// Reasons.
const (
	Finished  Reason = iota + 1 // the engine came to its end
	Cancelled                   // by the client
	Unfunded                    // the slice that was paid for is used up
	Failed                      // the engine failed after it had begun
	Refused                     // the engine refused the request; its answer says why
)

var reasons = map[Reason]string{Finished: "finished", Cancelled: "cancelled", Unfunded: "unfunded", Failed: "failed", Refused: "refused"}

// String is the reason in one word.
func (r Reason) String() string { return reasons[r] }
