package attest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"

	"github.com/cocoon-network/cocoon/protocol/receipt"
)

const evidenceVersion = 1

// Limits of what evidence carries, in bytes.
const (
	MaxQuote    = 16 << 10
	MaxGPU      = 64 << 10
	MaxBlob     = 64 << 10 // each blob of the collateral
	MaxEvidence = 256 << 10
)

// Statement is what a TEE says of the environment, and what it takes to verify that offline.
type Statement struct {
	TEE        TEE
	Quote      []byte     // of TDX, versions 4 and 5, without trailing bytes; of the simulator
	Collateral Collateral // of TDX
	GPU        []byte     // the answer of NVIDIA's attestation service, a detached EAT in JSON; nil where there is none
}

// Evidence is what a worker shows: the claims, W's certificate of B, B's
// signature of the claims, and the TEE's statement that binds them.
type Evidence struct {
	Claims      Claims
	Certificate receipt.SignedCertificate
	Signature   [64]byte // by the session key, of Claims.ReportData
	Statement   Statement
}

// Tier is what e would be worth if it held.
func (e Evidence) Tier() Tier {
	switch {
	case e.Statement.TEE == TEESimulated:
		return TierSimulated
	case e.Statement.TEE == TEETDX && e.Statement.GPU != nil:
		return TierGPU
	case e.Statement.TEE == TEETDX:
		return TierTDX
	}
	return TierOpen
}

// Bytes are e as it travels.
func (e Evidence) Bytes() []byte {
	claims := e.Claims.Bytes()
	b := append([]byte{evidenceVersion, uint8(e.Statement.TEE)}, e.Certificate.Bytes()...)
	b = append(b, e.Signature[:]...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(claims))), claims...)
	for _, blob := range [][]byte{e.Statement.Quote, e.Statement.GPU} {
		b = appendBlob(b, blob)
	}
	if e.Statement.TEE == TEETDX {
		b = e.Statement.Collateral.append(b)
	}
	return b
}

// Parse reads what Evidence.Bytes wrote; anything else is ErrMalformed. It verifies
// nothing. The evidence refers to b.
func Parse(b []byte) (Evidence, error) {
	if len(b) > MaxEvidence {
		return Evidence{}, because(ErrMalformed, "%d bytes are over the limit of %d", len(b), MaxEvidence)
	}
	r := reader{rest: b}
	if v := r.uint8(); v != evidenceVersion {
		return Evidence{}, because(ErrMalformed, "version %d instead of %d", v, evidenceVersion)
	}
	e := Evidence{Statement: Statement{TEE: TEE(r.uint8())}}
	certificate := r.bytes(receipt.CertificateSize)
	r.into(e.Signature[:])
	claims := r.bytes(int(r.uint16()))
	e.Statement.Quote, e.Statement.GPU = r.blob(MaxQuote), r.blob(MaxGPU)
	if e.Statement.TEE == TEETDX {
		e.Statement.Collateral.read(&r)
	}
	if r.err != nil {
		return Evidence{}, r.err
	}
	if len(r.rest) > 0 {
		return Evidence{}, because(ErrMalformed, "%d bytes after the end", len(r.rest))
	}
	var err error
	if e.Certificate, err = receipt.ParseCertificate(certificate); err != nil {
		return Evidence{}, because(ErrMalformed, "%v", err)
	}
	if e.Claims, err = ParseClaims(claims); err != nil {
		return Evidence{}, err
	}
	return e, e.Statement.whole()
}

// whole refuses kinds that are unknown, and parts that a kind has not or has to have.
func (s Statement) whole() error {
	var ok bool
	switch s.TEE {
	case TEENone:
		ok = s.Quote == nil && s.GPU == nil
	case TEETDX:
		ok = s.Quote != nil && s.Collateral.whole()
	case TEESimulated:
		ok = len(s.Quote) == simulatedSize && s.GPU == nil
	}
	if !ok {
		return because(ErrMalformed, "not a statement of kind %d", s.TEE)
	}
	return nil
}

// Hash is SHA-256 of evidence as it travels.
func Hash(evidence []byte) [32]byte { return sha256.Sum256(evidence) }

// bound reports why the keys in e do not belong together: W certifies B for this
// network, vault and boot, and B signs the claims.
func (e Evidence) bound() error {
	c, cert := e.Claims, e.Certificate
	if cert.GlobalID != c.GlobalID || cert.Provider != c.Vault || cert.SessionKey != c.Session || cert.Boot != c.Boot {
		return because(ErrCertificate, "the certificate is of another network, vault, session or boot")
	}
	if err := cert.Verify(c.Worker); err != nil {
		return because(ErrCertificate, "%v", err)
	}
	data := c.ReportData()
	if !ed25519.Verify(c.Session[:], data[:], e.Signature[:]) {
		return ErrSignature
	}
	return nil
}
