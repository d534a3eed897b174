package attest

import (
	"bytes"
	"time"

	"github.com/google/go-tdx-guest/pcs"
)

// shown is what evidence shows, whatever a policy makes of it.
type shown struct {
	keys     []PublicKey
	tee      TEE
	image    [32]byte
	tcb      []Status
	ppid     [16]byte
	gpus     []string
	claimed  uint8     // how many GPUs the environment claims to have
	notAfter time.Time // of certificates, collateral and tokens; without any, that of the claims
}

// open verifies all signatures in e, up to whom p trusts to sign statements.
func (p Policy) open(e Evidence, now time.Time) (s shown, err error) {
	if err := e.bound(); err != nil {
		return s, err
	}
	keys, err := e.Claims.publicKeys()
	if err != nil {
		return s, err
	}
	data := e.Claims.ReportData()
	switch s.notAfter = unix(e.Claims.NotAfter); e.Statement.TEE {
	case TEESimulated:
		s.image, err = openSimulated(e.Statement.Quote, p.Local.Simulator, data)
	case TEETDX:
		s, err = p.openTDX(e.Statement, data, now)
	}
	if err == nil && e.Statement.GPU != nil {
		var end time.Time
		s.gpus, end, err = p.GPU.open(e.Statement.GPU, e.Claims.Hash(), now)
		s.notAfter = earliest(s.notAfter, end)
	}
	s.keys, s.tee, s.claimed = keys, e.Statement.TEE, e.Claims.GPUs
	return s, err
}

// openTDX verifies a quote, what it binds, and its collateral.
func (p Policy) openTDX(s Statement, data [64]byte, now time.Time) (shown, error) {
	q, err := splitQuote(s.Quote)
	if err != nil {
		return shown{}, err
	}
	chain, err := q.chain(p.root(), now)
	if err != nil {
		return shown{}, err
	}
	if err := q.flags(); err != nil {
		return shown{}, err
	}
	if !bytes.Equal(q.reportData(), data[:]) {
		return shown{}, ErrReportData
	}
	pck, err := pcs.PckCertificateExtensions(chain.PCKCertificate)
	if err != nil {
		return shown{}, because(ErrQuote, "%v", err)
	}
	out := shown{image: q.image()}
	if out.ppid, err = ppid(pck); err != nil {
		return shown{}, err
	}
	docs, err := s.Collateral.open(p.root(), chain, now)
	if err != nil {
		return shown{}, err
	}
	out.notAfter = earliest(docs.notAfter, chain.PCKCertificate.NotAfter, chain.IntermediateCertificate.NotAfter)
	out.tcb, err = docs.statuses(pck, q)
	return out, err
}
