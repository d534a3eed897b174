package attest

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"time"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/verify"
)

// Sizes of a quote's parts, in bytes, as Intel's quote format lays them out.
const (
	headerSize      = 48
	bodySize        = 584      // TDX 1.0
	body15Size      = 584 + 64 // TDX 1.5: the SVN of now, and the measurement of a service TD
	qeReportSize    = 384
	qeSignatureSize = 64
)

// Bits of TD attributes and XFAM. What is not named here is reserved or has no
// place in a worker, as migration has not.
const (
	attrDebugGroup = 0xff // bit 0 is DEBUG; the other seven are reserved for the like
	attrSeptVE     = 1 << 28
	attrAllowed    = attrSeptVE | 1<<30 | 1<<63 // PKS and PERFMON change nothing that a client relies on
	xfamDemanded   = 0x3
	xfamAllowed    = 0x6dbe7
)

// quote is a TDX quote, split at the lengths it states.
type quote struct {
	raw      []byte
	body     []byte // a report of the TD: bodySize or body15Size bytes
	qeReport []byte // of the quoting enclave
	end      int    // of what the lengths cover
}

// splitQuote follows the lengths in raw. It guards the library's parser, which
// slices by them without a look.
func splitQuote(raw []byte) (quote, error) {
	r := reader{rest: raw}
	header := r.bytes(headerSize)
	q, size := quote{raw: raw}, bodySize
	switch version := binary.LittleEndian.Uint16(header); version {
	case 4:
	case 5:
		kind, stated := r.le16(), r.le32()
		if kind == 3 {
			size = body15Size
		} else if kind != 2 {
			return q, because(ErrQuote, "body of kind %d", kind)
		}
		if stated != uint32(size) {
			return q, because(ErrQuote, "body of kind %d has %d bytes", kind, stated)
		}
	default:
		return q, because(ErrQuote, "version %d", version)
	}
	q.body = r.bytes(size)
	auth := r.le32()
	if r.err != nil || int64(auth) > int64(len(r.rest)) {
		return q, because(ErrQuote, "%d bytes are too few", len(raw))
	}
	q.end = len(raw) - len(r.rest) + int(auth)
	return q, q.splitAuth(reader{rest: r.rest[:auth]})
}

// splitAuth follows the lengths in the signed part of a quote.
func (q *quote) splitAuth(r reader) error {
	r.bytes(64 + 64 + 2) // signature, attestation key, kind of the data that follows
	if n := r.le32(); r.err == nil && int64(n) != int64(len(r.rest)) {
		return because(ErrQuote, "certification data of %d bytes states %d", len(r.rest), n)
	}
	q.qeReport = r.bytes(qeReportSize)
	r.bytes(qeSignatureSize)
	r.bytes(int(r.le16())) // the enclave's own data
	r.le16()
	if n := r.le32(); r.err != nil || int64(n) != int64(len(r.rest)) {
		return because(ErrQuote, "the certificates are cut off")
	}
	return nil
}

// TrimQuote cuts the padding that some sources of TDX quotes append.
func TrimQuote(raw []byte) ([]byte, error) {
	q, err := splitQuote(raw)
	if err != nil {
		return nil, err
	}
	return raw[:q.end], nil
}

func (r *reader) le16() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }
func (r *reader) le32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }

// Parts of the TD report that are looked at.
func (q quote) teeTCB() []byte     { return q.body[:16] }
func (q quote) moduleSign() []byte { return q.body[64:112] } // MRSIGNERSEAM
func (q quote) moduleAttr() []byte { return q.body[112:120] }
func (q quote) attributes() uint64 { return binary.LittleEndian.Uint64(q.body[120:]) }
func (q quote) xfam() uint64       { return binary.LittleEndian.Uint64(q.body[128:]) }
func (q quote) mrtd() []byte       { return q.body[136:184] }
func (q quote) ownerWords() []byte { return q.body[184:328] } // MRCONFIGID, MROWNER, MROWNERCONFIG
func (q quote) rtmrs() []byte      { return q.body[328:520] }
func (q quote) reportData() []byte { return q.body[520:584] }
func (q quote) serviceTD() []byte  { return q.body[min(len(q.body), 600):] }

// image is the measurement that a registry lists.
func (q quote) image() [32]byte {
	b := bytes.Join([][]byte{q.mrtd(), q.rtmrs(), q.body[120:128], q.body[128:136]}, nil)
	return sha256.Sum256(b)
}

// flags reports what in the report must not be, whatever is measured.
func (q quote) flags() error {
	switch a := q.attributes(); {
	case a&attrDebugGroup != 0:
		return because(ErrDebug, "TD attributes %#016x", a)
	case a&attrSeptVE == 0:
		return because(ErrSeptVE, "TD attributes %#016x", a)
	case a&^attrAllowed != 0:
		return because(ErrAttributes, "TD attributes %#016x", a)
	}
	if x := q.xfam(); x&xfamDemanded != xfamDemanded || x&^xfamAllowed != 0 {
		return because(ErrAttributes, "XFAM %#x", x)
	}
	if !zero(q.moduleSign()) || !zero(q.moduleAttr()) || zero(q.body[16:64]) {
		return because(ErrModule, "MRSIGNERSEAM %x, SEAM attributes %x", q.moduleSign()[:4], q.moduleAttr())
	}
	if !zero(q.ownerWords()) || !zero(q.serviceTD()) {
		return ErrConfiguration
	}
	return nil
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// chain verifies the signatures from root, through Intel's certificates in the
// quote and its quoting enclave, to the report, and returns the certificates.
func (q quote) chain(root *x509.Certificate, now time.Time) (*verify.PCKCertificateChain, error) {
	if q.end != len(q.raw) {
		return nil, because(ErrQuote, "%d bytes after the end", len(q.raw)-q.end)
	}
	parsed, err := abi.QuoteToProto(q.raw)
	if err != nil {
		return nil, because(ErrQuote, "%v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	at := verify.TimeSet{PckCertChain: now, TcbInfo: now, QeIdentity: now, PckCrl: now, RootCaCrl: now}
	if err := verify.TdxQuote(parsed, &verify.Options{TrustedRoots: roots, Now: &at}); err != nil {
		return nil, because(ErrQuoteChain, "%v", err)
	}
	chain, err := verify.ExtractChainFromQuote(parsed)
	if err != nil {
		return nil, because(ErrQuoteChain, "%v", err)
	}
	return chain, nil
}
