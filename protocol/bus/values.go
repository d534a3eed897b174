package bus

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// ID is 32 bytes written as hex: a worker's key W, or a blob's hash.
type ID [32]byte

// Boot names one run of a worker. It is drawn at random when it starts.
type Boot [16]byte

// Signature is an Ed25519 signature, written as hex.
type Signature [64]byte

// String is lower-case hex, as in subjects.
func (i ID) String() string { return hex.EncodeToString(i[:]) }

// MarshalText writes hex.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads 64 lower-case hex digits.
func (i *ID) UnmarshalText(b []byte) error { return readHex(i[:], b) }

// String is lower-case hex, as in subjects.
func (b Boot) String() string { return hex.EncodeToString(b[:]) }

// MarshalText writes hex.
func (b Boot) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads 32 lower-case hex digits.
func (b *Boot) UnmarshalText(text []byte) error { return readHex(b[:], text) }

// MarshalText writes hex.
func (s Signature) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads 128 lower-case hex digits.
func (s *Signature) UnmarshalText(b []byte) error { return readHex(s[:], b) }

// readHex takes one spelling only, so that a subject names one worker.
func readHex(to, text []byte) error {
	v := make([]byte, len(to))
	if len(text) != hex.EncodedLen(len(to)) {
		return cocoon.Invalid.Errorf("%d characters are not %d bytes in hex", len(text), len(to))
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return cocoon.Invalid.Errorf("%q is no lower-case hex digit", c)
		}
	}
	if _, err := hex.Decode(v, text); err != nil {
		return cocoon.Invalid.Errorf("read hex: %w", err)
	}
	copy(to, v)
	return nil
}

// maxCell bounds the bag of cells a message carries.
const maxCell = 4 << 10

// Cell is a cell of the chain, written as the base64 of its bag of cells.
type Cell struct{ *cell.Cell }

// MarshalJSON writes base64.
func (c Cell) MarshalJSON() ([]byte, error) {
	if c.Cell == nil {
		return nil, cocoon.Invalid.Errorf("no cell to write")
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(c.ToBOC()))
}

// UnmarshalJSON reads one small bag of one root, without pruned branches.
func (c *Cell) UnmarshalJSON(raw []byte) error {
	var boc []byte
	if err := json.Unmarshal(raw, &boc); err != nil || len(boc) > maxCell {
		return cocoon.Invalid.Errorf("cell is not base64 of at most %d bytes", maxCell)
	}
	v, err := cell.FromBOC(boc)
	if err != nil {
		return cocoon.Invalid.Errorf("read a cell: %w", err)
	}
	if v.IsSpecial() || v.Level() != 0 {
		return cocoon.Invalid.Errorf("cell is not ordinary")
	}
	c.Cell = v
	return nil
}
