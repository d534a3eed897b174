package indexer

import (
	"encoding/hex"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// message reads the body of o as a T, as leniently as the caller's T is.
func message[T any](o *occurrence) (T, error) {
	v, err := wrappers.Decode[T](o.body)
	if err != nil {
		return v, fmt.Errorf("%w: %s: %w", errUnread, o.Name, err)
	}
	return v, nil
}

// order reads a cell that somebody signed.
func order[T any](c *cell.Cell) (T, error) {
	v, err := wrappers.Decode[T](c)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errUnread, err)
	}
	return v, nil
}

// key is a public key or a hash, written in hex.
type key [32]byte

// MarshalText writes hex.
func (k key) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k[:])), nil }

// UnmarshalText reads 64 hex digits.
func (k *key) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	if err != nil || len(v) != len(k) {
		return cocoon.Invalid.Errorf("%q is not 64 hex digits", b)
	}
	*k = key(v)
	return nil
}

// text is the key in hex, "" where it is zero: not there.
func (k key) text() string {
	if k == (key{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}
