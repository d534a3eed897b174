package receipt

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// tagBook is crc32 of its declaration without the highest bit, as a request's
// in schema.tlb; no contract reads it, so it is declared in docs/protocol/book.md.
const tagBook = 0x27bf9887

// BookSize is how many bytes a SignedBook has on its way.
const BookSize = 4 + 4 + 32 + 4 + 2*cocoon.NanoSize + ed25519.SignatureSize

// Book is what a dispatcher says of its debts as of a masterchain block.
// Receipts over Earned that exceed a signed book are evidence against it.
type Book struct {
	GlobalID  int32          // of the network
	Rewards   cocoon.Account // the dispatcher's rewards contract
	Seqno     uint32         // of the masterchain block
	Earned    cocoon.Nano    // in receipts of numbers that were not opened yet: L of (5)
	Unsettled cocoon.Nano    // used under its channels and not settled
}

// Cell is what is signed.
func (b Book) Cell() (*cell.Cell, error) {
	return withAmounts(header(tagBook, b.GlobalID, b.Rewards).MustStoreUInt(uint64(b.Seqno), 32), b.Earned, b.Unsettled)
}

// Hash is what a receipt key signs: that of Cell.
func (b Book) Hash() ([32]byte, error) { return hash(b) }

// Sign says b with a receipt key.
func (b Book) Sign(key ed25519.PrivateKey) (SignedBook, error) {
	sig, err := sign(b, key)
	return SignedBook{b, sig}, err
}

// SignedBook is a Book with its signature.
type SignedBook struct {
	Book
	Signature [64]byte
}

// Verify reports why s was not signed by key, which is Forbidden. Whose key it
// is, which network, which dispatcher and how old, the caller compares.
func (s SignedBook) Verify(key [32]byte) error {
	ok, err := verify(s.Book, s.Signature, key)
	if err == nil && !ok {
		err = cocoon.Forbidden.Errorf("book of %s at block %d: not signed by its key", s.Rewards, s.Seqno)
	}
	return err
}

// Bytes are s as it travels.
func (s SignedBook) Bytes() []byte {
	b := appendHeader(BookSize, tagBook, s.GlobalID, s.Rewards)
	b = s.Unsettled.AppendBytes(s.Earned.AppendBytes(binary.BigEndian.AppendUint32(b, s.Seqno)))
	return append(b, s.Signature[:]...)
}

// ParseBook reads what Bytes wrote; anything else is Invalid. It verifies nothing.
func ParseBook(b []byte) (s SignedBook, err error) {
	r, err := readerOf(b, "a book", BookSize, tagBook)
	if err != nil {
		return s, err
	}
	s.GlobalID = int32(r.uint32())
	r.into(s.Rewards[:])
	s.Seqno = r.uint32()
	s.Earned, s.Unsettled = r.nano(), r.nano()
	r.into(s.Signature[:])
	return s, nil
}
