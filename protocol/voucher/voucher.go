// Package voucher is how a client pays a dispatcher: a signed promise of all
// that a channel owes since its birth, so that a newer one replaces the older
// and a replay takes nothing. The channel contract checks the same bits;
// docs/protocol/voucher.md draws them.
package voucher

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/edwards"
)

// tag begins what is signed, and what travels: it is the voucher's in schema.tlb.
const tag = 0x686caeb8

// Size is how many bytes a signed voucher has on its way.
const Size = 4 + 4 + 32 + cocoon.NanoSize + ed25519.SignatureSize

// Voucher promises that Channel pays Cumulative in all, counted from its birth.
type Voucher struct {
	GlobalID   int32 // of the network
	Channel    cocoon.Account
	Cumulative cocoon.Nano
}

// Hash is what a client signs: that of the cell which the contract rebuilds.
func (v Voucher) Hash() ([32]byte, error) {
	b := cell.BeginCell().MustStoreUInt(tag, 32).MustStoreInt(int64(v.GlobalID), 32).MustStoreSlice(v.Channel[:], 256)
	if err := b.StoreBigCoins(v.Cumulative.Big()); err != nil {
		return [32]byte{}, fmt.Errorf("hash a voucher over %s: %w", v.Cumulative, err)
	}
	return [32]byte(b.EndCell().Hash()), nil
}

// Sign promises v with a channel key.
func (v Voucher) Sign(key ed25519.PrivateKey) (Signed, error) {
	hash, err := v.Hash()
	if err != nil {
		return Signed{}, err
	}
	return Signed{v, [64]byte(ed25519.Sign(key, hash[:]))}, nil
}

// Signed is a voucher with its signature.
type Signed struct {
	Voucher
	Signature [64]byte
}

// Verify reports why s was not signed by key, which is Forbidden. A key that
// the contract refuses signs nothing. Whose key it is, which network, which
// channel and how much, the caller compares.
func (s Signed) Verify(key [32]byte) error {
	hash, err := s.Hash()
	if err != nil {
		return err
	}
	if key == [32]byte{} || key == [32]byte{1} || !edwards.Verify(key, hash[:], s.Signature) {
		return cocoon.Forbidden.Errorf("voucher over %s of channel %s: not signed by its key", s.Cumulative, s.Channel)
	}
	return nil
}

// Bytes are s as it travels: tag, network, channel, amount, signature.
func (s Signed) Bytes() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, Size), tag)
	b = binary.BigEndian.AppendUint32(b, uint32(s.GlobalID))
	b = append(b, s.Channel[:]...)
	b = s.Cumulative.AppendBytes(b)
	return append(b, s.Signature[:]...)
}

// Parse reads what Bytes wrote; anything else is Invalid. It verifies nothing.
func Parse(b []byte) (s Signed, err error) {
	if len(b) != Size {
		return Signed{}, cocoon.Invalid.Errorf("a voucher has %d bytes, not %d", Size, len(b))
	}
	if got := binary.BigEndian.Uint32(b); got != tag {
		return Signed{}, cocoon.Invalid.Errorf("%#08x does not begin a voucher", got)
	}
	s.GlobalID = int32(binary.BigEndian.Uint32(b[4:]))
	amount := b[8+copy(s.Channel[:], b[8:]):]
	copy(s.Signature[:], amount[cocoon.NanoSize:])
	s.Cumulative = cocoon.NanoFromBytes([cocoon.NanoSize]byte(amount))
	return s, nil
}
