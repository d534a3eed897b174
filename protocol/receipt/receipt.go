// Package receipt is what workers and dispatchers sign about work: the usage of
// a request, the certificate of the key that signs it, and what a provider has
// earned. Contracts check the same bits; docs/protocol/receipt.md draws them.
package receipt

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/edwards"
)

// Tags begin what is signed, and what travels: they are those of schema.tlb.
const (
	tagEarned      = 0x1c10961d
	tagCertificate = 0x0a075312
	tagUsage       = 0x2c794c3a
)

// header begins what is signed: tag, network, contract.
func header(tag uint32, globalID int32, contract cocoon.Account) *cell.Builder {
	return cell.BeginCell().MustStoreUInt(uint64(tag), 32).MustStoreInt(int64(globalID), 32).MustStoreSlice(contract[:], 256)
}

// withAmounts is the cell of b with amounts at its end.
func withAmounts(b *cell.Builder, amounts ...cocoon.Nano) (*cell.Cell, error) {
	for _, n := range amounts {
		if err := b.StoreBigCoins(n.Big()); err != nil {
			return nil, fmt.Errorf("store %s: %w", n, err)
		}
	}
	return b.EndCell(), nil
}

// celled is one of the layouts that are signed.
type celled interface{ Cell() (*cell.Cell, error) }

func hash(v celled) ([32]byte, error) {
	c, err := v.Cell()
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(c.Hash()), nil
}

func sign(v celled, key ed25519.PrivateKey) (sig [64]byte, err error) {
	h, err := hash(v)
	if err != nil {
		return sig, err
	}
	return [64]byte(ed25519.Sign(key, h[:])), nil
}

// verify reports whether key signed v. A key that contracts refuse signs nothing.
func verify(v celled, signature [64]byte, key [32]byte) (bool, error) {
	h, err := hash(v)
	if err != nil {
		return false, err
	}
	return key != [32]byte{} && key != [32]byte{1} && edwards.Verify(key, h[:], signature), nil
}

// appendHeader begins what travels, in a buffer for size bytes.
func appendHeader(size int, tag uint32, globalID int32, contract cocoon.Account) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), tag)
	b = binary.BigEndian.AppendUint32(b, uint32(globalID))
	return append(b, contract[:]...)
}

// reader reads what travels; its length was checked.
type reader struct{ rest []byte }

// readerOf reads the tag of b, which has to be size bytes long.
func readerOf(b []byte, what string, size int, tag uint32) (*reader, error) {
	if len(b) != size {
		return nil, cocoon.Invalid.Errorf("%s has %d bytes, not %d", what, size, len(b))
	}
	r := &reader{b}
	if got := r.uint32(); got != tag {
		return nil, cocoon.Invalid.Errorf("%#08x does not begin %s", got, what)
	}
	return r, nil
}

func (r *reader) bytes(n int) (b []byte) {
	b, r.rest = r.rest[:n], r.rest[n:]
	return b
}

func (r *reader) into(b []byte)  { copy(b, r.bytes(len(b))) }
func (r *reader) uint8() uint8   { return r.bytes(1)[0] }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.bytes(8)) }

func (r *reader) nano() cocoon.Nano {
	return cocoon.NanoFromBytes([cocoon.NanoSize]byte(r.bytes(cocoon.NanoSize)))
}
