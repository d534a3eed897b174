package receipt

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// CertificateSize is how many bytes a SignedCertificate has on its way.
const CertificateSize = 4 + 4 + 32 + 32 + 16 + 4 + ed25519.SignatureSize

// Certificate lets a session key sign receipts for one boot of a worker of
// Provider. The worker's key signs it, which is not in it.
type Certificate struct {
	GlobalID   int32 // of the network
	Provider   cocoon.Account
	SessionKey [32]byte
	Boot       [16]byte
	NotAfter   uint32 // unix seconds, the first moment at which nobody pays for its receipts any more; reports do not look at it
}

// Cell is what is signed.
func (c Certificate) Cell() (*cell.Cell, error) {
	b := header(tagCertificate, c.GlobalID, c.Provider).MustStoreSlice(c.SessionKey[:], 256).MustStoreSlice(c.Boot[:], 128)
	return b.MustStoreUInt(uint64(c.NotAfter), 32).EndCell(), nil
}

// Hash is what a worker key signs: that of Cell.
func (c Certificate) Hash() ([32]byte, error) { return hash(c) }

// Sign certifies c with a worker key.
func (c Certificate) Sign(worker ed25519.PrivateKey) (SignedCertificate, error) {
	sig, err := sign(c, worker)
	return SignedCertificate{c, sig}, err
}

// SignedCertificate is a certificate with its signature.
type SignedCertificate struct {
	Certificate
	Signature [64]byte
}

// Verify reports why s was not signed by worker, which is Forbidden. Whether that
// worker is active under that provider, and the time, the caller looks up.
func (s SignedCertificate) Verify(worker [32]byte) error {
	ok, err := verify(s.Certificate, s.Signature, worker)
	if err == nil && !ok {
		err = cocoon.Forbidden.Errorf("certificate of session %x: not signed by worker %x", s.SessionKey[:4], worker[:4])
	}
	return err
}

// Bytes are s as it travels.
func (s SignedCertificate) Bytes() []byte {
	b := append(appendHeader(CertificateSize, tagCertificate, s.GlobalID, s.Provider), s.SessionKey[:]...)
	b = binary.BigEndian.AppendUint32(append(b, s.Boot[:]...), s.NotAfter)
	return append(b, s.Signature[:]...)
}

// ParseCertificate reads what Bytes wrote; anything else is Invalid. It verifies nothing.
func ParseCertificate(b []byte) (s SignedCertificate, err error) {
	r, err := readerOf(b, "a certificate", CertificateSize, tagCertificate)
	if err != nil {
		return s, err
	}
	s.GlobalID = int32(r.uint32())
	r.into(s.Provider[:])
	r.into(s.SessionKey[:])
	r.into(s.Boot[:])
	s.NotAfter = r.uint32()
	r.into(s.Signature[:])
	return s, nil
}
