// Package cocoon holds the nouns every room of the house shares: amounts of
// money, models, prices, usage and the kinds of error. It does no I/O and
// imports nothing but the standard library.
package cocoon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Coin is the display name of the network's coin. Parts of the ecosystem are
// renaming it, so it is written here only.
const Coin = "TON"

// UTC is a time of the chain, in unix seconds, for people: RFC 3339.
func UTC(unix uint32) string { return time.Unix(int64(unix), 0).UTC().Format(time.RFC3339) }

// ModelID names a model on chain: SHA-256 of its public name, as in
// "Qwen/Qwen3-32B". Hashing keeps attacker-chosen names from deepening the
// registry's dictionary.
type ModelID [32]byte

// NewModelID returns the id of the model called name.
func NewModelID(name string) ModelID { return sha256.Sum256([]byte(name)) }

// String is the id in lower-case hex.
func (m ModelID) String() string { return hex.EncodeToString(m[:]) }

// MarshalText writes hex.
func (m ModelID) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads 64 hex digits.
func (m *ModelID) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	if err != nil || len(v) != len(m) {
		return Invalid.Errorf("model id %q is not 64 hex digits", b)
	}
	*m = ModelID(v)
	return nil
}

// Usage counts the tokens of one request or of a whole job. The four counts
// are disjoint: Prompt leaves out what came from a cache, Completion leaves
// out reasoning.
type Usage struct {
	Prompt     uint64 `json:"prompt_tokens"`
	Cached     uint64 `json:"cached_tokens"`
	Completion uint64 `json:"completion_tokens"`
	Reasoning  uint64 `json:"reasoning_tokens"`
}

// Add returns the sum of both, count by count.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.Prompt + v.Prompt, u.Cached + v.Cached, u.Completion + v.Completion, u.Reasoning + v.Reasoning}
}

// Total is the number of tokens of every sort.
func (u Usage) Total() uint64 { return u.Prompt + u.Cached + u.Completion + u.Reasoning }

// Price is what a worker asks for, in nanoTON per 10^6 tokens of each sort.
type Price struct {
	Prompt     Nano `json:"prompt_nano"`
	Cached     Nano `json:"cached_nano"`
	Completion Nano `json:"completion_nano"`
	Reasoning  Nano `json:"reasoning_nano"`
}

// Within reports whether no part of p exceeds the same part of limit.
func (p Price) Within(limit Price) bool {
	return p.Prompt.Cmp(limit.Prompt) <= 0 && p.Cached.Cmp(limit.Cached) <= 0 &&
		p.Completion.Cmp(limit.Completion) <= 0 && p.Reasoning.Cmp(limit.Reasoning) <= 0
}

// Cost is the price of u in nanoTON, rounded up once over the whole sum so
// that a worker is never short-paid. It returns ErrOverflow rather than wrap.
func (p Price) Cost(u Usage) (Nano, error) {
	var sum Nano
	for _, part := range []struct {
		price  Nano
		tokens uint64
	}{{p.Prompt, u.Prompt}, {p.Cached, u.Cached}, {p.Completion, u.Completion}, {p.Reasoning, u.Reasoning}} {
		n, err := part.price.Mul(part.tokens)
		if err != nil {
			return Nano{}, fmt.Errorf("price of %d tokens at %s: %w", part.tokens, part.price, err)
		}
		if sum, err = sum.Add(n); err != nil {
			return Nano{}, fmt.Errorf("sum of token prices: %w", err)
		}
	}
	return sum.divCeil(1_000_000), nil
}
