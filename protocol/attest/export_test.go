package attest

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/google/go-tdx-guest/pcs"
)

// What tests look at in quotes and collateral whose times do not meet, as those
// of Intel's samples do not.

// Reasons are all the reasons to refuse.
var Reasons = map[string]error{
	"ErrMalformed": ErrMalformed, "ErrTier": ErrTier, "ErrSimulated": ErrSimulated, "ErrNetwork": ErrNetwork, "ErrRegistry": ErrRegistry,
	"ErrStaleProof": ErrStaleProof, "ErrWorker": ErrWorker, "ErrCertificate": ErrCertificate, "ErrSignature": ErrSignature,
	"ErrLifetime": ErrLifetime, "ErrEarly": ErrEarly, "ErrExpired": ErrExpired, "ErrKeys": ErrKeys, "ErrBlock": ErrBlock, "ErrStaleBlock": ErrStaleBlock,
	"ErrQuote": ErrQuote, "ErrQuoteChain": ErrQuoteChain, "ErrDebug": ErrDebug, "ErrSeptVE": ErrSeptVE, "ErrAttributes": ErrAttributes,
	"ErrModule": ErrModule, "ErrConfiguration": ErrConfiguration, "ErrReportData": ErrReportData, "ErrImage": ErrImage, "ErrSuspended": ErrSuspended,
	"ErrCollateral": ErrCollateral, "ErrStaleCollateral": ErrStaleCollateral, "ErrForeignCollateral": ErrForeignCollateral, "ErrRevoked": ErrRevoked,
	"ErrEnclave": ErrEnclave, "ErrTCB": ErrTCB, "ErrPlatform": ErrPlatform, "ErrGPU": ErrGPU, "ErrGPUKey": ErrGPUKey, "ErrGPUNonce": ErrGPUNonce,
	"ErrGPUExpired": ErrGPUExpired, "ErrGPUResult": ErrGPUResult, "ErrGPUModel": ErrGPUModel,
}

// ImageOf is the measurement in a quote that is well formed.
func ImageOf(raw []byte) [32]byte {
	q, err := splitQuote(raw)
	if err != nil {
		panic(err)
	}
	return q.image()
}

// CheckChain verifies a quote's signatures up to Intel's root.
func CheckChain(raw []byte, now time.Time) error {
	q, err := splitQuote(raw)
	if err == nil {
		_, err = q.chain(IntelRoot(), now)
	}
	return err
}

// CheckFlags looks at a quote's bits.
func CheckFlags(raw []byte) error {
	q, err := splitQuote(raw)
	if err == nil {
		err = q.flags()
	}
	return err
}

// OpenDocuments verifies Intel's documents under its root at now. Where only a
// time is wrong, it returns what it read as well.
func OpenDocuments(c Collateral, now time.Time) (tcb pcs.TcbInfo, enclave pcs.EnclaveIdentity, tcbErr, enclaveErr error) {
	list, _, err := openCRL(c.RootCRL, IntelRoot(), now)
	if err != nil && !errors.Is(err, ErrStaleCollateral) {
		return tcb, enclave, err, err
	}
	_, tcbErr = c.TCBInfo.open(IntelRoot(), list, now, &tcb)
	_, enclaveErr = c.QEIdentity.open(IntelRoot(), list, now, &enclave)
	return tcb, enclave, tcbErr, enclaveErr
}

// CheckCRL verifies a revocation list of issuer.
func CheckCRL(der []byte, issuer *x509.Certificate, now time.Time) error {
	_, _, err := openCRL(der, issuer, now)
	return err
}

// StatusesOf are those of platform, module and quoting enclave of a quote.
func StatusesOf(raw []byte, pck *pcs.PckExtensions, tcb pcs.TcbInfo, enclave pcs.EnclaveIdentity) ([]Status, error) {
	q, err := splitQuote(raw)
	if err != nil {
		return nil, err
	}
	return documents{tcb: tcb, enclave: enclave}.statuses(pck, q)
}
