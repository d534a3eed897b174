package attest_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-tdx-guest/pcs"
	tdxtesting "github.com/google/go-tdx-guest/testing"
	"github.com/google/go-tdx-guest/verify"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

func TestCollateral_RefusesForOneReasonEach(t *testing.T) {
	t.Parallel()
	foreign := newAuthority(t, 1)
	yesterday, tomorrow := noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1)
	tcb := func(change func(document)) func(*world, *attest.Collateral) {
		return func(w *world, c *attest.Collateral) {
			d := tcbInfo(attest.UpToDate, attest.UpToDate)
			change(d)
			c.TCBInfo = w.intel.sign(w.t, d)
		}
	}
	qe := func(change func(document)) func(*world, *attest.Collateral) {
		return func(w *world, c *attest.Collateral) {
			d := qeIdentity(attest.UpToDate)
			change(d)
			c.QEIdentity = w.intel.sign(w.t, d)
		}
	}
	set := func(key string, value any) func(document) { return func(d document) { d[key] = value } }
	for name, c := range map[string]struct {
		change func(*world, *attest.Collateral)
		want   error
	}{
		"TCB info that has expired":    {tcb(set("nextUpdate", noon)), attest.ErrStaleCollateral},
		"TCB info of a time to come":   {tcb(set("issueDate", tomorrow)), attest.ErrStaleCollateral},
		"TCB info without dates":       {tcb(func(d document) { delete(d, "nextUpdate") }), attest.ErrStaleCollateral},
		"an identity that has expired": {qe(set("nextUpdate", yesterday)), attest.ErrStaleCollateral},
		"an expired list of platforms": {func(w *world, c *attest.Collateral) {
			c.PCKCRL = revoked(w.t, w.intel.platform, w.intel.platformKey, yesterday)
		}, attest.ErrStaleCollateral},
		"an expired list of issuers": {func(w *world, c *attest.Collateral) {
			c.RootCRL = revoked(w.t, w.intel.root, w.intel.rootKey, yesterday)
		}, attest.ErrStaleCollateral},
		"TCB info of another platform":          {tcb(set("fmspc", "50806f000000")), attest.ErrForeignCollateral},
		"TCB info of another PCE":               {tcb(set("pceId", "0001")), attest.ErrForeignCollateral},
		"TCB info of SGX":                       {tcb(set("id", "SGX")), attest.ErrForeignCollateral},
		"TCB info of another version":           {tcb(set("version", 4)), attest.ErrForeignCollateral},
		"an identity of SGX":                    {qe(set("id", "QE")), attest.ErrForeignCollateral},
		"an identity of another version":        {qe(set("version", 3)), attest.ErrForeignCollateral},
		"all of it under another root":          {func(w *world, c *attest.Collateral) { *c = foreign.collateral(w.t) }, attest.ErrCollateral},
		"TCB info under another root":           {func(w *world, c *attest.Collateral) { c.TCBInfo = foreign.collateral(w.t).TCBInfo }, attest.ErrCollateral},
		"an identity under another root":        {func(w *world, c *attest.Collateral) { c.QEIdentity = foreign.collateral(w.t).QEIdentity }, attest.ErrCollateral},
		"a list under another root":             {func(w *world, c *attest.Collateral) { c.PCKCRL = foreign.collateral(w.t).PCKCRL }, attest.ErrCollateral},
		"TCB info signed by a platform":         {func(w *world, c *attest.Collateral) { c.TCBInfo.Signer = w.intel.platform.Raw }, attest.ErrCollateral},
		"TCB info signed by another of Intel's": {func(w *world, c *attest.Collateral) { c.TCBInfo.Signer = w.otherSigner().Raw }, attest.ErrCollateral},
		"no level of the PCE":                   {tcb(func(d document) { d["tcbLevels"].([]document)[1]["tcb"].(document)["pcesvn"] = 14 }), attest.ErrTCB},
		"a module of other attributes":          {tcb(func(d document) { d["tdxModuleIdentities"].([]document)[0]["attributes"] = "01" + hexZeros(7) }), attest.ErrModule},
		"a TDX 1.0 module of another signer": {func(w *world, c *attest.Collateral) {
			w.onTD = func(d *td) { d.body[0], d.body[1] = 5, 0 }
			tcb(func(d document) {
				d["tdxModule"] = document{"mrsigner": "01" + hexZeros(47), "attributes": hexZeros(8), "attributesMask": hexZeros(8)}
			})(w, c)
		}, attest.ErrModule},
		"TCB info for an identity": {func(_ *world, c *attest.Collateral) { c.QEIdentity = c.TCBInfo }, attest.ErrForeignCollateral},
		"a body changed after": {func(_ *world, c *attest.Collateral) {
			c.TCBInfo.Body = bytes.Replace(c.TCBInfo.Body, []byte("UpToDate"), []byte("OutOfDate"), 1)
		}, attest.ErrCollateral},
		"a revoked platform": {func(w *world, c *attest.Collateral) {
			c.PCKCRL = revoked(w.t, w.intel.platform, w.intel.platformKey, tomorrow, 9, 4)
		}, attest.ErrRevoked},
		"a revoked issuer": {func(w *world, c *attest.Collateral) {
			c.RootCRL = revoked(w.t, w.intel.root, w.intel.rootKey, tomorrow, 2)
		}, attest.ErrRevoked},
		"a revoked signer": {func(w *world, c *attest.Collateral) {
			c.RootCRL = revoked(w.t, w.intel.root, w.intel.rootKey, tomorrow, 3)
		}, attest.ErrRevoked},
		"no level of the platform":   {tcb(set("tcbLevels", []document{tcbLevel(6, 0, attest.UpToDate)})), attest.ErrTCB},
		"levels of fewer components": {tcb(set("tcbLevels", []document{{"tcb": document{}, "tcbStatus": "UpToDate"}})), attest.ErrTCB},
		"no level of the module": {tcb(func(d document) {
			d["tdxModuleIdentities"].([]document)[0]["tcbLevels"] = []document{isvLevel(12, attest.UpToDate)}
		}), attest.ErrTCB},
		"no level of the enclave":      {qe(set("tcbLevels", []document{isvLevel(7, attest.UpToDate)})), attest.ErrTCB},
		"a module nobody knows":        {tcb(set("tdxModuleIdentities", nil)), attest.ErrModule},
		"a module of another signer":   {tcb(func(d document) { d["tdxModuleIdentities"].([]document)[0]["mrsigner"] = "01" + hexZeros(47) }), attest.ErrModule},
		"an enclave of another signer": {qe(set("mrsigner", hexZeros(32))), attest.ErrEnclave},
		"another product":              {qe(set("isvprodid", 3)), attest.ErrEnclave},
		"a debug enclave":              {func(w *world, _ *attest.Collateral) { w.onTD = func(d *td) { d.qe[48] |= 2 } }, attest.ErrEnclave},
		"another MISCSELECT":           {func(w *world, _ *attest.Collateral) { w.onTD = func(d *td) { d.qe[16] = 1 } }, attest.ErrEnclave},
		"a status nobody knows": {func(w *world, c *attest.Collateral) {
			c.TCBInfo = w.intel.sign(w.t, tcbInfo("Splendid", attest.UpToDate))
		}, attest.ErrCollateral},
		"no JSON": {func(w *world, c *attest.Collateral) {
			c.TCBInfo.Body = []byte("{")
			c.TCBInfo.Signature = signP256(w.t, w.intel.signerKey, c.TCBInfo.Body)
		}, attest.ErrCollateral},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.onCollateral = func(collateral *attest.Collateral) { c.change(w, collateral) }
			w.evidence() // so that change has set what the TD says
			_, err := w.verify(w.evidence())
			requireReason(t, err, c.want)
		})
	}
}

func TestCollateral_StatusesAreAllowedByPolicyAlone(t *testing.T) {
	t.Parallel()
	all := []attest.Status{attest.UpToDate, attest.SWHardeningNeeded, attest.ConfigurationNeeded, attest.ConfigurationAndSWHardeningNeeded,
		attest.OutOfDate, attest.OutOfDateConfigurationNeeded, attest.Revoked}
	for _, status := range all {
		for part := range 3 {
			t.Run(fmt.Sprint(status, part), func(t *testing.T) {
				t.Parallel()
				w, three := newWorld(t), []attest.Status{attest.UpToDate, attest.UpToDate, attest.UpToDate}
				three[part] = status
				w.onCollateral = func(c *attest.Collateral) {
					c.TCBInfo, c.QEIdentity = w.intel.sign(t, tcbInfo(three[0], three[1])), w.intel.sign(t, qeIdentity(three[2]))
				}
				e := w.evidence()
				_, err := w.verify(e)
				if status != attest.UpToDate {
					requireReason(t, err, attest.ErrTCB)
				}
				w.policy.TCB = []attest.Status{attest.UpToDate, status}
				v, err := w.verify(e)
				if status == attest.Revoked {
					requireReason(t, err, attest.ErrTCB)
					return
				}
				require.NoError(t, err)
				require.Equal(t, status, v.TCB, "the worst of the three")
			})
		}
	}
}

// otherSigner is a certificate of the signer's key that the root issued under another name.
func (w *world) otherSigner() *x509.Certificate {
	return issue(w.t, certificate(8, "Intel SGX Other Signing", false), w.intel.root, &w.intel.signerKey.PublicKey, w.intel.rootKey)
}

func TestCollateral_AModuleHasLevelsOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCollateral = func(c *attest.Collateral) {
		d := tcbInfo(attest.UpToDate, attest.UpToDate)
		tdx := d["tcbLevels"].([]document)[1]["tcb"].(document)["tdxtcbcomponents"].([]document)
		tdx[0]["svn"], tdx[1]["svn"] = 99, 99
		c.TCBInfo = w.intel.sign(t, d)
	}
	_, err := w.verify(w.evidence())
	require.NoError(t, err)
}

func TestCollateral_AVerdictEndsWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	soon := noon.Add(30 * 60 * 1e9)
	w.onCollateral = func(c *attest.Collateral) { c.PCKCRL = revoked(t, w.intel.platform, w.intel.platformKey, soon) }
	v, err := w.verify(w.evidence())
	require.NoError(t, err)
	require.True(t, soon.Equal(v.NotAfter))
}

// served is collateral as Intel's service answers, for the library.
func (a *authority) served(c attest.Collateral) *tdxtesting.Getter {
	chain := func(der []byte) string {
		return url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})))
	}
	answer := func(name, header string, s attest.Signed) tdxtesting.HTTPResponse {
		body := fmt.Sprintf(`{%q:%s,"signature":%q}`, name, s.Body, hex.EncodeToString(s.Signature[:]))
		return tdxtesting.HTTPResponse{Header: map[string][]string{header: {chain(s.Signer)}}, Body: []byte(body)}
	}
	return &tdxtesting.Getter{Responses: map[string]tdxtesting.HTTPResponse{
		pcs.TcbInfoURL("90c06f000000"): answer("tcbInfo", pcs.TcbInfoIssuerChainPhrase, c.TCBInfo),
		pcs.QeIdentityURL():            answer("enclaveIdentity", pcs.SgxQeIdentityIssuerChainPhrase, c.QEIdentity),
		pcs.PckCrlURL("platform"):      {Header: map[string][]string{pcs.SgxPckCrlIssuerChainPhrase: {chain(a.platform.Raw)}}, Body: c.PCKCRL},
		rootCRLURL:                     {Body: c.RootCRL},
	}}
}

// library asks go-tdx-guest the same question.
func (w *world) library(quote []byte, g *tdxtesting.Getter) error {
	at := verify.TimeSet{PckCertChain: w.now, TcbInfo: w.now, QeIdentity: w.now, PckCrl: w.now, RootCaCrl: w.now}
	return verify.RawTdxQuote(quote, &verify.Options{GetCollateral: true, CheckRevocations: true, Getter: g, Now: &at, TrustedRoots: pool(w.intel.root)})
}

// TestCollateral_AgreesWithTheLibrary compares each status of each part, where the library has an answer.
func TestCollateral_AgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	for _, status := range []attest.Status{attest.UpToDate, attest.SWHardeningNeeded, attest.OutOfDate, attest.Revoked} {
		w := newWorld(t)
		w.onTD = func(d *td) { d.body[0], d.body[1] = 5, 0 } // TDX 1.0, where the module has no status of its own
		w.onCollateral = func(c *attest.Collateral) { c.TCBInfo = w.intel.sign(t, tcbInfo(status, attest.UpToDate)) }
		e := w.evidence()
		_, ours := w.verify(e)
		theirs := w.library(e.Statement.Quote, w.intel.served(e.Statement.Collateral))
		require.Equal(t, status == attest.UpToDate, ours == nil, "%v", ours)
		require.Equal(t, theirs == nil, ours == nil, "%s: %v, %v", status, ours, theirs)
	}
}

// TestCollateral_WhereTheLibraryIsTooKind shows two cases that this package
// refuses and the library does not, which is why collateral is verified here.
func TestCollateral_WhereTheLibraryIsTooKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCollateral = func(c *attest.Collateral) { c.TCBInfo = w.intel.sign(t, tcbInfo(attest.OutOfDate, attest.UpToDate)) }
	e := w.evidence()
	_, err := w.verify(e)
	require.ErrorIs(t, err, attest.ErrTCB, "a platform out of date with a new module")
	require.NoError(t, w.library(e.Statement.Quote, w.intel.served(e.Statement.Collateral)))

	// The signature is of "tcbInfo"; what Go's JSON reads into the library's field is the last of its spellings.
	g := w.intel.served(e.Statement.Collateral)
	w.onTD = func(d *td) { d.body[0], d.body[1] = 5, 0 }
	quote := w.evidence().Statement.Quote
	require.Error(t, w.library(quote, g))
	forged, err := json.Marshal(tcbInfo(attest.UpToDate, attest.UpToDate))
	require.NoError(t, err)
	answer := g.Responses[pcs.TcbInfoURL("90c06f000000")]
	answer.Body = append(append(answer.Body[:len(answer.Body)-1:len(answer.Body)-1], `,"TCBINFO":`...), append(forged, '}')...)
	g.Responses[pcs.TcbInfoURL("90c06f000000")] = answer
	require.NoError(t, w.library(quote, g), "forged TCB info")
}

func pool(c *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c)
	return p
}
