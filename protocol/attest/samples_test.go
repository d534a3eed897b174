package attest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/pcs"
	tdxtesting "github.com/google/go-tdx-guest/testing"
	"github.com/google/go-tdx-guest/testing/testdata"
	"github.com/google/go-tdx-guest/verify"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/attest/guest"
)

// Intel's samples are of different times, and bind no claims of ours: each layer
// is verified at the time of its sample.
var (
	february2026 = time.Date(2026, 2, 3, 1, 0, 0, 0, time.UTC)
	july2023     = time.Date(2023, 7, 1, 1, 0, 0, 0, time.UTC)
)

func trimmed(t testing.TB, raw []byte) []byte {
	t.Helper()
	q, err := attest.TrimQuote(raw)
	require.NoError(t, err)
	return q
}

// googleQuote is a quote that a production TD made in Google's cloud, with its padding.
func googleQuote(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/go-tdx-guest").Output()
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "testing", "testdata", "ccel", "cos-113-tdx-quote.dat"))
	require.NoError(t, err)
	return raw
}

func TestSamples_RealQuotesAreSignedUnderIntelsRoot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw   []byte
		at    time.Time
		flags error
	}{
		"version 4":          {testdata.RawQuote, july2023, attest.ErrSeptVE},
		"version 5, TDX 1.5": {testdata.RawQuoteV5, february2026, nil},
		"Google's cloud":     {googleQuote(t), february2026, nil},
	} {
		quote := trimmed(t, c.raw)
		require.NoError(t, attest.CheckChain(quote, c.at), name)
		if c.flags != nil {
			requireReason(t, attest.CheckFlags(quote), c.flags)
		} else {
			require.NoError(t, attest.CheckFlags(quote), name)
		}
		requireReason(t, attest.CheckChain(quote, c.at.AddDate(20, 0, 0)), attest.ErrQuoteChain)
		for _, field := range []int{16, 120, 136, 328, 519, 520} { // of the report
			changed := bytes.Clone(quote)
			changed[len(quote)-len(after(quote))+field] ^= 1
			requireReason(t, attest.CheckChain(changed, c.at), attest.ErrQuoteChain)
		}
	}
}

// after is a quote from its report on.
func after(quote []byte) []byte {
	if quote[0] == 5 {
		return quote[48+6:]
	}
	return quote[48:]
}

// platformOf are the certificates in a quote, and what they say of the platform.
func platformOf(t *testing.T, quote []byte) (*verify.PCKCertificateChain, *pcs.PckExtensions) {
	t.Helper()
	parsed, err := abi.QuoteToProto(quote)
	require.NoError(t, err)
	chain, err := verify.ExtractChainFromQuote(parsed)
	require.NoError(t, err)
	pck, err := pcs.PckCertificateExtensions(chain.PCKCertificate)
	require.NoError(t, err)
	return chain, pck
}

func TestSamples_RealCollateralIsBelievedInItsTime(t *testing.T) {
	t.Parallel()
	quote := trimmed(t, testdata.RawQuote)
	c, err := guest.Fetch(t.Context(), tdxtesting.TestGetter, quote)
	require.NoError(t, err)
	tcb, enclave, err, enclaveErr := attest.OpenDocuments(c, july2023)
	require.NoError(t, err)
	require.NoError(t, enclaveErr)
	chain, pck := platformOf(t, quote)
	require.NoError(t, attest.CheckCRL(c.PCKCRL, chain.IntermediateCertificate, july2023))
	_, err = attest.StatusesOf(quote, pck, tcb, enclave)
	requireReason(t, err, attest.ErrTCB) // the sample was made so that no level fits

	_, _, err, enclaveErr = attest.OpenDocuments(c, july2023.AddDate(0, 0, 18))
	requireReason(t, err, attest.ErrStaleCollateral)
	requireReason(t, enclaveErr, attest.ErrStaleCollateral)
	requireReason(t, attest.CheckCRL(c.PCKCRL, chain.IntermediateCertificate, february2026), attest.ErrStaleCollateral)
	requireReason(t, attest.CheckCRL(c.PCKCRL, chain.RootCertificate, july2023), attest.ErrCollateral)
	c.TCBInfo.Body = bytes.Replace(c.TCBInfo.Body, []byte("OutOfDate"), []byte("UpToDate"), 1)
	_, _, err, _ = attest.OpenDocuments(c, july2023)
	requireReason(t, err, attest.ErrCollateral)
}

// TestSamples_ARealPlatformIsUpToDate: the sample's TCB info is of 2026 and well
// signed, but comes with a certificate of the signer that ended in 2025.
func TestSamples_ARealPlatformIsUpToDate(t *testing.T) {
	t.Parallel()
	quote := trimmed(t, testdata.RawQuoteV5)
	c, err := guest.Fetch(t.Context(), tdxtesting.TestGetter, quote)
	require.NoError(t, err)
	tcb, enclave, err, _ := attest.OpenDocuments(c, february2026)
	requireReason(t, err, attest.ErrStaleCollateral)
	_, pck := platformOf(t, quote)
	statuses, err := attest.StatusesOf(quote, pck, tcb, enclave)
	require.NoError(t, err)
	require.Equal(t, []attest.Status{attest.UpToDate, attest.UpToDate, attest.UpToDate}, statuses)
}

// TestSamples_LengthsThatTheLibraryTrustsAreRefused cuts the signed part of a quote to
// ten bytes, as it says itself; the library's parser does not survive that.
func TestSamples_LengthsThatTheLibraryTrustsAreRefused(t *testing.T) {
	t.Parallel()
	quote := bytes.Clone(trimmed(t, testdata.RawQuote)[:48+584+4+10])
	quote[48+584], quote[48+584+1] = 10, 0
	quote = append(quote, make([]byte, 1020)...)
	require.Panics(t, func() { _, _ = abi.QuoteToProto(quote) })
	requireReason(t, attest.CheckChain(quote, july2023), attest.ErrQuote)
}

func TestSamples_CollateralOfAnotherPlatformIsForeign(t *testing.T) {
	t.Parallel()
	c, err := guest.Fetch(t.Context(), tdxtesting.TestGetter, trimmed(t, testdata.RawQuote))
	require.NoError(t, err)
	tcb, enclave, err, _ := attest.OpenDocuments(c, july2023)
	require.NoError(t, err)
	quote := trimmed(t, testdata.RawQuoteV5)
	_, pck := platformOf(t, quote)
	_, err = attest.StatusesOf(quote, pck, tcb, enclave)
	requireReason(t, err, attest.ErrForeignCollateral)
}
