package attest_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

func jwk(t *testing.T, kid string, n byte) string {
	t.Helper()
	point, err := newKey(t, elliptic.P384(), n).PublicKey.Bytes()
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"P-384","kid":%q,"x":%q,"y":%q,"use":"sig"}`, kid, encode(point[1:49]), encode(point[49:]))
}

func TestParseGPUKeys_PinsWhatTheServiceServesAndATokenByItHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withGPUs(2)
	e := w.evidence()
	var err error
	w.policy.GPU, err = attest.ParseGPUKeys([]byte(`{"keys":[{"kty":"RSA","kid":"old"},` + jwk(t, "key-0", 2) + `,` + jwk(t, "key-1", 1) + `]}`))
	require.NoError(t, err)
	v, err := w.verify(e)
	require.NoError(t, err)
	require.Equal(t, attest.TierGPU, v.Tier)
	w.policy.GPU, err = attest.ParseGPUKeys([]byte(`{"keys":[` + jwk(t, "key-1", 2) + `]}`))
	require.NoError(t, err)
	_, err = w.verify(e)
	require.ErrorIs(t, err, attest.ErrGPUKey)
}

func TestParseGPUKeys_RefusesWhatIsNoSetOfKeys(t *testing.T) {
	t.Parallel()
	good := jwk(t, "a", 1)
	for name, text := range map[string]string{
		"nothing": ``, "no object": `[]`, "no keys": `{"keys":[]}`, "another kind alone": `{"keys":[{"kty":"RSA","kid":"a"}]}`,
		"twice": `{"keys":[` + good + `,` + good + `]}`, "no name": `{"keys":[` + jwk(t, "", 1) + `]}`,
		"no point": `{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 48)) + `","y":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 48)) + `"}]}`,
		"short":    `{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"AA","y":"AA"}]}`,
	} {
		_, err := attest.ParseGPUKeys([]byte(text))
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func FuzzParseGPUKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := attest.ParseGPUKeys(raw)
		if err == nil {
			require.NotEmpty(t, k.Keys)
			require.NotEmpty(t, k.Issuer)
		}
	})
}

func TestParseStatus_KnowsIntelsWordsButRevoked(t *testing.T) {
	t.Parallel()
	s, err := attest.ParseStatus("SWHardeningNeeded")
	require.NoError(t, err)
	require.Equal(t, attest.SWHardeningNeeded, s)
	for _, bad := range []string{"", "Revoked", "uptodate"} {
		_, err = attest.ParseStatus(bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}

func TestDevelopment_CountsOnLocalNetworksAndNeverOnAPublicOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onLocalnet()
	w.policy.Local = attest.LocalTo(local)
	w.policy.Registry.Images[attest.DevelopmentImage()] = attest.Image{Name: "development"}
	v, err := w.verify(w.evidenceBy(attest.Development()))
	require.NoError(t, err)
	require.Equal(t, attest.TierSimulated, v.Tier)
	for _, public := range []int32{mainnet, testnet} {
		require.Zero(t, attest.LocalTo(public))
		w := newWorld(t)
		w.policy.GlobalID, w.policy.Registry.GlobalID = public, public
		w.start(public)
		w.policy.Tiers = []attest.Tier{attest.TierSimulated, attest.TierOpen, attest.TierTDX}
		w.policy.Registry.Images[attest.DevelopmentImage()] = attest.Image{Name: "listed by mistake"}
		e := w.evidenceBy(attest.Development())
		for _, said := range []attest.Local{{}, attest.LocalTo(local), {GlobalID: public, Simulator: attest.LocalTo(local).Simulator}} {
			w.policy.Local = said
			_, err := w.verify(e)
			require.ErrorIs(t, err, attest.ErrSimulated)
		}
	}
}
