// Package attest says what a worker's machine proves about itself: evidence that
// its keys were made inside a trusted environment (TEE) running an image that the
// registry lists, and what a client may believe of it. It does no I/O: state of
// the chain comes in by value, proven by the caller. docs/protocol/evidence.md
// draws the bytes.
package attest

import "time"

// Tier is what a client asks of a worker, by name.
type Tier string

// The tiers. None contains another: a client lists all that it accepts.
const (
	TierOpen      Tier = "open"      // no TEE: the worker's owner can read prompts
	TierSimulated Tier = "simulated" // a development stand-in, on a local network only
	TierTDX       Tier = "tdx"       // Intel TDX; what leaves the processor for a GPU is in the clear
	TierGPU       Tier = "tdx+gpu"   // Intel TDX and NVIDIA GPUs in confidential mode
)

// TEE is the kind of environment that a statement is from.
type TEE uint8

// The kinds.
const (
	TEENone      TEE = 0
	TEETDX       TEE = 1
	TEESimulated TEE = 2
)

const (
	// Lifetime is how long evidence may be believed, counted from the masterchain block in it.
	Lifetime = 24 * time.Hour
	// MaxProofAge is the age at which proofs of registry and vault are refused.
	MaxProofAge = time.Hour
	// Skew is how far clocks may be apart.
	Skew = 2 * time.Minute

	mainnet, testnet = -239, -3
)

// unix is a time of the chain.
func unix(seconds uint32) time.Time { return time.Unix(int64(seconds), 0) }

// earliest is the first of times.
func earliest(times ...time.Time) time.Time {
	first := times[0]
	for _, t := range times[1:] {
		if t.Before(first) {
			first = t
		}
	}
	return first
}
