package attest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/google/go-tdx-guest/pcs"
	"github.com/google/go-tdx-guest/verify"
)

// Signed is a document of Intel's that its provisioning service serves.
type Signed struct {
	Body      []byte // JSON, exactly the bytes that are signed
	Signature [64]byte
	Signer    []byte // DER of the certificate that signed it, issued by the root
}

// Collateral is what Intel says about a platform. It authenticates itself, so
// whoever carries it need not be trusted.
type Collateral struct {
	TCBInfo         Signed // which firmware is up to date, of one kind of platform
	QEIdentity      Signed // which quoting enclaves are Intel's
	PCKCRL, RootCRL []byte // DER: revoked platforms, and revoked issuers
}

func (c Collateral) append(b []byte) []byte {
	for _, s := range []Signed{c.TCBInfo, c.QEIdentity} {
		b = appendBlob(append(appendBlob(b, s.Body), s.Signature[:]...), s.Signer)
	}
	return appendBlob(appendBlob(b, c.PCKCRL), c.RootCRL)
}

func (c *Collateral) read(r *reader) {
	for _, s := range []*Signed{&c.TCBInfo, &c.QEIdentity} {
		s.Body = r.blob(MaxBlob)
		r.into(s.Signature[:])
		s.Signer = r.blob(MaxBlob)
	}
	c.PCKCRL, c.RootCRL = r.blob(MaxBlob), r.blob(MaxBlob)
}

func (c Collateral) whole() bool {
	return c.TCBInfo.Body != nil && c.TCBInfo.Signer != nil && c.QEIdentity.Body != nil && c.QEIdentity.Signer != nil && c.PCKCRL != nil && c.RootCRL != nil
}

//go:embed intel_root.pem
var intelRootPEM []byte

// IntelRoot is the certificate of the Intel SGX Root CA, under which TDX quotes are signed.
var IntelRoot = sync.OnceValue(func() *x509.Certificate {
	block, _ := pem.Decode(intelRootPEM)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(fmt.Sprintf("embedded certificate: %v", err)) // it is part of the program, and tested
	}
	return c
})

// documents are what verified collateral says.
type documents struct {
	tcb      pcs.TcbInfo
	enclave  pcs.EnclaveIdentity
	notAfter time.Time
}

// open verifies c under root, and that it does not revoke chain.
func (c Collateral) open(root *x509.Certificate, chain *verify.PCKCertificateChain, now time.Time) (d documents, err error) {
	var ends [4]time.Time
	issuers, end, err := openCRL(c.RootCRL, root, now)
	if err != nil {
		return d, err
	}
	ends[0] = end
	platforms, end, err := openCRL(c.PCKCRL, chain.IntermediateCertificate, now)
	if err != nil {
		return d, err
	}
	ends[1] = end
	if err := issuers.refuse(chain.IntermediateCertificate); err != nil {
		return d, err
	}
	if err := platforms.refuse(chain.PCKCertificate); err != nil {
		return d, err
	}
	if ends[2], err = c.TCBInfo.open(root, issuers, now, &d.tcb); err != nil {
		return d, err
	}
	ends[3], err = c.QEIdentity.open(root, issuers, now, &d.enclave)
	d.notAfter = earliest(ends[:]...)
	return d, err
}

const tcbSignerName = "Intel SGX TCB Signing"

// open verifies s under root and reads its body into document, which has dates.
func (s Signed) open(root *x509.Certificate, rootCRL crl, now time.Time, document any) (notAfter time.Time, err error) {
	signer, err := x509.ParseCertificate(s.Signer)
	if err != nil {
		return notAfter, because(ErrCollateral, "read the signer: %v", err)
	}
	key, ok := signer.PublicKey.(*ecdsa.PublicKey)
	if err := signer.CheckSignatureFrom(root); err != nil || !ok || signer.Subject.CommonName != tcbSignerName {
		return notAfter, because(ErrCollateral, "signer %q is not issued by the root for this", signer.Subject.CommonName)
	}
	if err := rootCRL.refuse(signer); err != nil {
		return notAfter, err
	}
	hash := sha256.Sum256(s.Body)
	r, t := new(big.Int).SetBytes(s.Signature[:32]), new(big.Int).SetBytes(s.Signature[32:])
	if !ecdsa.Verify(key, hash[:], r, t) {
		return notAfter, because(ErrCollateral, "the signature is not of these bytes")
	}
	var dates struct{ IssueDate, NextUpdate time.Time }
	if json.Unmarshal(s.Body, &dates) != nil || json.Unmarshal(s.Body, document) != nil {
		return notAfter, because(ErrCollateral, "not the JSON it should be")
	}
	return within(now, ErrStaleCollateral, [2]time.Time{dates.IssueDate, dates.NextUpdate}, [2]time.Time{signer.NotBefore, signer.NotAfter})
}

// within is the earliest end of spans, or reason where now is outside of one.
func within(now time.Time, reason error, spans ...[2]time.Time) (end time.Time, err error) {
	end = spans[0][1]
	for _, s := range spans {
		if now.Add(Skew).Before(s[0]) || !now.Before(s[1]) {
			return end, because(reason, "good from %s until %s", s[0].UTC().Format(time.RFC3339), s[1].UTC().Format(time.RFC3339))
		}
		end = earliest(end, s[1])
	}
	return end, nil
}

// crl is a revocation list that was verified.
type crl struct{ serials map[string]bool }

// openCRL verifies a revocation list of issuer.
func openCRL(der []byte, issuer *x509.Certificate, now time.Time) (c crl, notAfter time.Time, err error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return c, notAfter, because(ErrCollateral, "read a revocation list: %v", err)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return c, notAfter, because(ErrCollateral, "the revocation list is not of %q: %v", issuer.Subject.CommonName, err)
	}
	c.serials = make(map[string]bool, len(list.RevokedCertificateEntries))
	for _, e := range list.RevokedCertificateEntries {
		c.serials[e.SerialNumber.String()] = true
	}
	notAfter, err = within(now, ErrStaleCollateral, [2]time.Time{list.ThisUpdate, list.NextUpdate})
	return c, notAfter, err
}

func (c crl) refuse(cert *x509.Certificate) error {
	if c.serials[cert.SerialNumber.String()] {
		return because(ErrRevoked, "%q, serial %s", cert.Subject.CommonName, cert.SerialNumber)
	}
	return nil
}
