package receipt

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// EarnedSize is how many bytes a SignedEarned has on its way.
const EarnedSize = 4 + 4 + 32 + 4 + 32 + cocoon.NanoSize + ed25519.SignatureSize

// Earned says what Provider has earned through a dispatcher in one number of
// epoch, all in all, so that a newer one replaces the older. The receipt key of
// that number signs it.
type Earned struct {
	GlobalID int32          // of the network
	Rewards  cocoon.Account // the dispatcher's rewards contract
	Number   uint32
	Provider cocoon.Account
	Amount   cocoon.Nano
}

// Cell is what is signed.
func (e Earned) Cell() (*cell.Cell, error) {
	return withAmounts(header(tagEarned, e.GlobalID, e.Rewards).MustStoreUInt(uint64(e.Number), 32).MustStoreSlice(e.Provider[:], 256), e.Amount)
}

// Hash is what a receipt key signs: that of Cell.
func (e Earned) Hash() ([32]byte, error) { return hash(e) }

// Sign owes e with a receipt key.
func (e Earned) Sign(key ed25519.PrivateKey) (SignedEarned, error) {
	sig, err := sign(e, key)
	return SignedEarned{e, sig}, err
}

// SignedEarned is an Earned with its signature.
type SignedEarned struct {
	Earned
	Signature [64]byte
}

// Verify reports why s was not signed by key, which is Forbidden. Whose key it
// is, which network, which dispatcher, whose and how much, the caller compares.
func (s SignedEarned) Verify(key [32]byte) error {
	ok, err := verify(s.Earned, s.Signature, key)
	if err == nil && !ok {
		err = cocoon.Forbidden.Errorf("receipt over %s of %s, number %d: not signed by its key", s.Amount, s.Rewards, s.Number)
	}
	return err
}

// Bytes are s as it travels.
func (s SignedEarned) Bytes() []byte {
	b := appendHeader(EarnedSize, tagEarned, s.GlobalID, s.Rewards)
	b = binary.BigEndian.AppendUint32(b, s.Number)
	b = s.Amount.AppendBytes(append(b, s.Provider[:]...))
	return append(b, s.Signature[:]...)
}

// ParseEarned reads what Bytes wrote; anything else is Invalid. It verifies nothing.
func ParseEarned(b []byte) (s SignedEarned, err error) {
	r, err := readerOf(b, "an earned receipt", EarnedSize, tagEarned)
	if err != nil {
		return s, err
	}
	s.GlobalID = int32(r.uint32())
	r.into(s.Rewards[:])
	s.Number = r.uint32()
	r.into(s.Provider[:])
	s.Amount = r.nano()
	r.into(s.Signature[:])
	return s, nil
}
