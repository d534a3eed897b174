package guest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-tdx-guest/pcs"
	tdxtesting "github.com/google/go-tdx-guest/testing"
	"github.com/google/go-tdx-guest/testing/testdata"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/attest/guest"
)

// source is a platform that answers quote, if it is asked for want.
type source struct {
	want    [64]byte
	quote   []byte
	missing error
	failure error
}

func (s source) IsSupported() error { return s.missing }

func (s source) GetRawQuote(data [64]byte) ([]byte, error) {
	if data != s.want {
		return nil, errors.New("asked for other report data")
	}
	return s.quote, s.failure
}

type gpus struct{ err error }

func (g gpus) Token(_ context.Context, nonce [32]byte) ([]byte, error) { return nonce[:], g.err }

var claims = attest.Claims{GlobalID: -239, Worker: [32]byte{1}}

func TestTDX_StatesWhatAClientNeeds(t *testing.T) {
	t.Parallel()
	padded := append(bytes.Clone(testdata.RawQuoteV5), make([]byte, 100)...)
	q := guest.TDX{Source: source{want: claims.ReportData(), quote: padded}, Collateral: tdxtesting.TestGetter, GPUs: gpus{}}
	s, err := q.Quote(t.Context(), claims)
	require.NoError(t, err)
	require.Equal(t, attest.TEETDX, s.TEE)
	require.Equal(t, testdata.RawQuoteV5, s.Quote, "without padding")
	require.True(t, bytes.Contains(testdata.TcbInfoBodyV5, s.Collateral.TCBInfo.Body))
	require.True(t, bytes.Contains(testdata.QeIdentityBody, s.Collateral.QEIdentity.Body))
	require.Equal(t, testdata.PckCrlBody, s.Collateral.PCKCRL)
	require.Equal(t, testdata.RootCrlBody, s.Collateral.RootCRL)
	nonce := claims.Hash()
	require.Equal(t, nonce[:], s.GPU)

	e := attest.Evidence{Claims: claims, Statement: s}
	got, err := attest.Parse(e.Bytes())
	require.NoError(t, err)
	require.Equal(t, s, got.Statement)
}

func TestTDX_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := source{want: claims.ReportData(), quote: testdata.RawQuoteV5}
	without := func(url string, with ...tdxtesting.HTTPResponse) *tdxtesting.Getter {
		g := &tdxtesting.Getter{Responses: maps.Clone(tdxtesting.TestGetter.Responses)}
		delete(g.Responses, url)
		for _, r := range with {
			g.Responses[url] = r
		}
		return g
	}
	for name, c := range map[string]struct {
		tdx  guest.TDX
		kind cocoon.Kind
	}{
		"no TDX":           {guest.TDX{Source: source{missing: errors.New("no configfs")}}, cocoon.NotFound},
		"no quote":         {guest.TDX{Source: source{want: claims.ReportData(), failure: errors.New("busy")}}, cocoon.Unreachable},
		"junk":             {guest.TDX{Source: source{want: claims.ReportData(), quote: []byte("junk")}}, cocoon.Forbidden},
		"no TCB info":      {guest.TDX{Source: good, Collateral: without(pcs.TcbInfoURL("90c06f000000"))}, cocoon.Unreachable},
		"no identity":      {guest.TDX{Source: good, Collateral: without(pcs.QeIdentityURL())}, cocoon.Unreachable},
		"no revocations":   {guest.TDX{Source: good, Collateral: without(pcs.PckCrlURL("platform"))}, cocoon.Unreachable},
		"no list of roots": {guest.TDX{Source: good, Collateral: without("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der")}, cocoon.Unreachable},
		"no signature":     {guest.TDX{Source: good, Collateral: without(pcs.QeIdentityURL(), tdxtesting.HTTPResponse{Body: []byte(`{"enclaveIdentity":{}}`)})}, cocoon.Invalid},
		"no signer":        {guest.TDX{Source: good, Collateral: without(pcs.QeIdentityURL(), tdxtesting.HTTPResponse{Body: testdata.QeIdentityBody})}, cocoon.Invalid},
		"no GPU token":     {guest.TDX{Source: good, Collateral: tdxtesting.TestGetter, GPUs: gpus{errors.New("offline")}}, cocoon.Unreachable},
	} {
		_, err := c.tdx.Quote(t.Context(), claims)
		require.Error(t, err, name)
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
	}
}

func FuzzFetch(f *testing.F) {
	f.Add(testdata.QeIdentityBody)
	f.Add([]byte(`{"enclaveIdentity":1,"signature":"00"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		g := &tdxtesting.Getter{Responses: maps.Clone(tdxtesting.TestGetter.Responses)}
		answer := g.Responses[pcs.QeIdentityURL()]
		answer.Body = body
		g.Responses[pcs.QeIdentityURL()] = answer
		c, err := guest.Fetch(t.Context(), g, testdata.RawQuoteV5)
		if err == nil {
			require.True(t, bytes.Contains(body, c.QEIdentity.Body))
		}
	})
}
