package ledger

import (
	"encoding/hex"

	"github.com/cocoon-network/cocoon"
)

// Key is a public key or a hash, hex in JSON.
type Key [32]byte

// MarshalText writes hex.
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads 64 hex digits.
func (k *Key) UnmarshalText(b []byte) error { return unhex(k[:], b) }

// ID is a request or a worker's boot, hex in JSON.
type ID [16]byte

// MarshalText writes hex.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads 32 hex digits.
func (id *ID) UnmarshalText(b []byte) error { return unhex(id[:], b) }

func unhex(to, text []byte) error {
	if hex.DecodedLen(len(text)) != len(to) {
		return cocoon.Invalid.Errorf("%q is not %d hex digits", text, 2*len(to))
	}
	if _, err := hex.Decode(to, text); err != nil {
		return cocoon.Invalid.Errorf("%q is not hex", text)
	}
	return nil
}

// worker is a worker of a provider: a key alone may be in two.
type worker struct {
	Provider cocoon.Account `json:"provider"`
	Key      Key            `json:"worker"`
}

// boot is one run of a worker, in which it counts its receipts.
type boot struct {
	worker
	Boot ID `json:"boot"`
}
