package attest_test

import (
	"testing"

	"github.com/google/go-tdx-guest/testing/testdata"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

func FuzzParse(f *testing.F) {
	w := newWorld(f)
	w.withGPUs(1)
	f.Add(w.evidence().Bytes())
	f.Add(w.evidenceBy(attest.NoTEE{}).Bytes())
	f.Add(w.evidenceBy(w.onLocalnet()).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := attest.Parse(b)
		if err != nil {
			require.ErrorIs(t, err, attest.ErrMalformed)
			return
		}
		require.Equal(t, b, e.Bytes())
	})
}

func FuzzParseClaims(f *testing.F) {
	f.Add(newWorld(f).evidence().Claims.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := attest.ParseClaims(b)
		if err != nil {
			require.ErrorIs(t, err, attest.ErrMalformed)
			return
		}
		require.Equal(t, b, c.Bytes())
	})
}

// FuzzQuote has any quote go the whole way: what the lengths allow is given to the library's parser.
func FuzzQuote(f *testing.F) {
	w := newWorld(f)
	e := w.fixed()
	f.Add(e.Statement.Quote)
	f.Add(testdata.RawQuote)
	f.Add(testdata.RawQuoteV5)
	f.Fuzz(func(t *testing.T, b []byte) {
		if whole, err := attest.TrimQuote(b); err == nil {
			again, err := attest.TrimQuote(whole)
			require.NoError(t, err)
			require.Equal(t, whole, again)
		}
		changed := e
		changed.Statement.Quote = b
		if _, err := w.verify(changed); err == nil {
			signed := 48 + 584
			require.Equal(t, e.Statement.Quote[:signed], b[:signed])
		}
	})
}

// FuzzTCBInfo gives collateral of any content, well signed, to a good quote.
func FuzzTCBInfo(f *testing.F) {
	w := newWorld(f)
	e := w.fixed()
	f.Add(e.Statement.Collateral.TCBInfo.Body)
	f.Add(testdata.TcbInfoBodyV5)
	f.Fuzz(func(t *testing.T, body []byte) {
		changed := e
		changed.Statement.Collateral.TCBInfo.Body = body
		changed.Statement.Collateral.TCBInfo.Signature = signP256(t, w.intel.signerKey, body)
		v, err := w.verify(changed)
		if err == nil {
			require.Equal(t, attest.UpToDate, v.TCB)
		}
	})
}

func FuzzGPU(f *testing.F) {
	w := newWorld(f)
	w.withGPUs(1)
	e := w.fixed()
	f.Add(e.Statement.GPU)
	f.Fuzz(func(t *testing.T, b []byte) {
		changed := e
		changed.Statement.GPU = b
		if v, err := w.verify(changed); err == nil && b != nil {
			require.Equal(t, []string{"GH100 A01 GSP BROM"}, v.GPUs)
		}
	})
}
