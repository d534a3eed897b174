package attest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-tdx-guest/pcs"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

// noon is when the tests of this package take place.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// authority plays Intel: a root, who issues platforms and signs collateral, and
// one platform under it. The certificates are named as Intel's.
type authority struct {
	rootKey, platformKey, signerKey, pckKey, quoteKey *ecdsa.PrivateKey
	root, platform, signer, pck                       *x509.Certificate
}

var (
	testPPID  = [16]byte{0xaa, 15: 1}
	testFMSPC = []byte{0x90, 0xc0, 0x6f, 0, 0, 0}
	qeSigner  = [32]byte{0xdc, 0x9e}
)

// newKey is key n: tests, fuzz workers and vectors see the same ones, and all
// signatures are made without randomness.
func newKey(t testing.TB, curve elliptic.Curve, n byte) *ecdsa.PrivateKey {
	t.Helper()
	raw := make([]byte, curve.Params().BitSize/8)
	raw[1], raw[len(raw)-1] = n, 1
	k, err := ecdsa.ParseRawPrivateKey(curve, raw)
	require.NoError(t, err)
	return k
}

// newAuthority makes authority n.
func newAuthority(t testing.TB, n byte) *authority {
	t.Helper()
	key := func(i byte) *ecdsa.PrivateKey { return newKey(t, elliptic.P256(), 10*n+i) }
	a := &authority{rootKey: key(1), platformKey: key(2), signerKey: key(3), pckKey: key(4), quoteKey: key(5)}
	root := certificate(1, "Intel SGX Root CA", true)
	a.root = issue(t, root, root, &a.rootKey.PublicKey, a.rootKey)
	a.platform = issue(t, certificate(2, "Intel SGX PCK Platform CA", true), a.root, &a.platformKey.PublicKey, a.rootKey)
	a.signer = issue(t, certificate(3, "Intel SGX TCB Signing", false), a.root, &a.signerKey.PublicKey, a.rootKey)
	pck := certificate(4, "Intel SGX PCK Certificate", false)
	pck.ExtraExtensions = []pkix.Extension{{Id: pcs.OidSgxExtension, Value: sgxExtension(t)}}
	a.pck = issue(t, pck, a.platform, &a.pckKey.PublicKey, a.platformKey)
	return a
}

func certificate(serial int64, name string, isCA bool) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Intel Corporation"}},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(5, 0, 0), SubjectKeyId: []byte{byte(serial)},
		BasicConstraintsValid: true, IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature,
		CRLDistributionPoints: []string{rootCRLURL},
	}
	if isCA {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	return c
}

func issue(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(nil, template, parent, public, key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

// sgxExtension names a platform with every SVN at 5 and PCESVN 13.
func sgxExtension(t testing.TB) []byte {
	t.Helper()
	type pair = pkix.AttributeTypeAndValue
	oid := func(last ...int) asn1.ObjectIdentifier {
		return append(append(asn1.ObjectIdentifier{}, pcs.OidTCB...), last...)
	}
	var tcb []pair
	for i := 1; i <= 16; i++ {
		tcb = append(tcb, pair{Type: oid(i), Value: 5})
	}
	tcb = append(tcb, pair{Type: pcs.OidPCESvn, Value: 13}, pair{Type: pcs.OidCPUSvn, Value: make([]byte, 16)})
	der, err := asn1.Marshal([]pair{
		{Type: pcs.OidPPID, Value: testPPID[:]}, {Type: pcs.OidTCB, Value: tcb},
		{Type: pcs.OidPCEID, Value: []byte{0, 0}}, {Type: pcs.OidFMSPC, Value: testFMSPC},
	})
	require.NoError(t, err)
	return der
}

// revoked is a revocation list of issuer.
func revoked(t testing.TB, issuer *x509.Certificate, key *ecdsa.PrivateKey, until time.Time, serials ...int64) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon.AddDate(0, 0, -10), NextUpdate: until}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: noon.AddDate(0, 0, -11)})
	}
	der, err := x509.CreateRevocationList(nil, list, issuer, key)
	require.NoError(t, err)
	return der
}

// document is a body of collateral before it is signed.
type document map[string]any

func dated(more document) document {
	d := document{"issueDate": noon.AddDate(0, 0, -10), "nextUpdate": noon.AddDate(0, 0, 20), "tcbEvaluationDataNumber": 18}
	maps.Copy(d, more)
	return d
}

func components(svn, n int) (c []document) {
	for range n {
		c = append(c, document{"svn": svn})
	}
	return c
}

// tcbLevel is one that platforms and modules of those SVNs reach.
func tcbLevel(sgx, tdx int, status attest.Status) document {
	ofModule := components(tdx, 16)
	ofModule[1]["svn"] = 0 // the version of the module, which is no SVN
	return document{"tcb": document{"sgxtcbcomponents": components(sgx, 16), "pcesvn": 13, "tdxtcbcomponents": ofModule}, "tcbDate": "2024-11-13T00:00:00Z", "tcbStatus": status}
}

func isvLevel(svn int, status attest.Status) document {
	return document{"tcb": document{"isvsvn": svn}, "tcbDate": "2024-11-13T00:00:00Z", "tcbStatus": status}
}

// tcbInfo is Intel's word on the test's platform, with the given status of the platform and of its module.
func tcbInfo(platform, module attest.Status) document {
	identity := document{"mrsigner": hexZeros(48), "attributes": hexZeros(8), "attributesMask": "FFFFFFFFFFFFFFFF"}
	one := document{"id": "TDX_01", "tcbLevels": []document{isvLevel(4, module)}}
	maps.Copy(one, identity)
	return dated(document{"id": "TDX", "version": 3, "fmspc": "90c06f000000", "pceId": "0000", "tcbType": 0,
		"tdxModule": identity, "tdxModuleIdentities": []document{one}, "tcbLevels": []document{tcbLevel(9, 9, attest.UpToDate), tcbLevel(5, 3, platform)}})
}

func qeIdentity(status attest.Status) document {
	return dated(document{"id": "TD_QE", "version": 2, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
		"attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
		"mrsigner": fmt.Sprintf("%X", qeSigner), "isvprodid": 2, "tcbLevels": []document{isvLevel(4, status)}})
}

func hexZeros(n int) string { return fmt.Sprintf("%x", make([]byte, n)) }

// sign signs a document with the authority's key for collateral.
func (a *authority) sign(t testing.TB, d document) attest.Signed {
	t.Helper()
	body, err := json.Marshal(d)
	require.NoError(t, err)
	return attest.Signed{Body: body, Signature: signP256(t, a.signerKey, body), Signer: a.signer.Raw}
}

func signP256(t testing.TB, key *ecdsa.PrivateKey, message []byte) [64]byte {
	t.Helper()
	hash := sha256.Sum256(message)
	return [64]byte(signRaw(t, key, crypto.SHA256, hash[:], 32))
}

// signRaw signs a hash; both halves of the signature have size bytes.
func signRaw(t testing.TB, key *ecdsa.PrivateKey, of crypto.Hash, hash []byte, size int) []byte {
	t.Helper()
	der, err := key.Sign(nil, hash, of)
	require.NoError(t, err)
	var halves struct{ R, S *big.Int }
	_, err = asn1.Unmarshal(der, &halves)
	require.NoError(t, err)
	sig := make([]byte, 2*size)
	halves.R.FillBytes(sig[:size])
	halves.S.FillBytes(sig[size:])
	return sig
}

// collateral of a platform that is up to date.
func (a *authority) collateral(t testing.TB) attest.Collateral {
	t.Helper()
	return attest.Collateral{TCBInfo: a.sign(t, tcbInfo(attest.UpToDate, attest.UpToDate)), QEIdentity: a.sign(t, qeIdentity(attest.UpToDate)),
		PCKCRL: revoked(t, a.platform, a.platformKey, noon.AddDate(0, 0, 20)), RootCRL: revoked(t, a.root, a.rootKey, noon.AddDate(0, 0, 20))}
}

// td is what a test's TD says; fields are offsets into the report of Intel's format.
type td struct {
	body  [584]byte
	extra []byte // 64 bytes more of TDX 1.5, in a quote of version 5
	qe    [384]byte
}

// newTD is a TD that is good: SEPT_VE_DISABLE, module TDX_01, and some measurements.
func newTD(data [64]byte) *td {
	d := &td{}
	copy(d.body[0:], []byte{5, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3})
	d.body[0] = 11
	for i := 2; i < 16; i++ {
		d.body[i] = 5
	}
	d.body[16] = 0x7b                               // MRSEAM
	d.body[123] = 0x10                              // attributes
	copy(d.body[128:], []byte{0xe7, 0x02, 0x06, 0}) // XFAM
	d.body[136], d.body[328] = 1, 2                 // MRTD, RTMR0
	copy(d.body[520:], data[:])
	copy(d.qe[48:], []byte{0x15})
	copy(d.qe[128:], qeSigner[:])
	binary.LittleEndian.PutUint16(d.qe[256:], 2)
	binary.LittleEndian.PutUint16(d.qe[258:], 6)
	return d
}

// quote is Intel's format, version 4, or 5 where there is extra.
func (a *authority) quote(t testing.TB, d *td) []byte {
	t.Helper()
	signed := make([]byte, 48, 2048)
	binary.LittleEndian.PutUint16(signed, 4)
	binary.LittleEndian.PutUint16(signed[2:], 2)
	binary.LittleEndian.PutUint32(signed[4:], 0x81)
	if d.extra != nil {
		signed[0] = 5
		signed = binary.LittleEndian.AppendUint16(signed, 3)
		signed = binary.LittleEndian.AppendUint32(signed, 648)
	}
	signed = append(append(signed, d.body[:]...), d.extra...)
	public, err := a.quoteKey.PublicKey.Bytes()
	require.NoError(t, err)
	own := []byte("thirty-two bytes of the enclave.")
	bound := sha256.Sum256(append(public[1:], own...))
	copy(d.qe[320:], bound[:])

	qeSignature := signP256(t, a.pckKey, d.qe[:])
	certification := append(append([]byte{}, d.qe[:]...), qeSignature[:]...)
	certification = append(binary.LittleEndian.AppendUint16(certification, uint16(len(own))), own...)
	var chain []byte
	for _, c := range []*x509.Certificate{a.pck, a.platform, a.root} {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	certification = binary.LittleEndian.AppendUint16(certification, 5)
	certification = append(binary.LittleEndian.AppendUint32(certification, uint32(len(chain))), chain...)

	signature := signP256(t, a.quoteKey, signed)
	auth := append(signature[:], public[1:]...)
	auth = binary.LittleEndian.AppendUint16(auth, 6)
	auth = append(binary.LittleEndian.AppendUint32(auth, uint32(len(certification))), certification...)
	return append(binary.LittleEndian.AppendUint32(signed, uint32(len(auth))), auth...)
}

const rootCRLURL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
