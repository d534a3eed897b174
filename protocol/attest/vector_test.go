package attest_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

var update = flag.Bool("update", false, "renew testdata/vector.json")

// hexBytes is written as hex.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// vector is evidence of each kind, for implementations in other languages. The
// TDX root, and so the quote, are of the tests.
type vector struct {
	Now       int64          `json:"now"` // unix seconds, as all times are
	Registry  cocoon.Account `json:"registry"`
	Vault     cocoon.Account `json:"vault"`
	Worker    hexBytes       `json:"worker"`
	Block     vectorBlock    `json:"block"`
	Root      hexBytes       `json:"root"`      // DER
	Simulator hexBytes       `json:"simulator"` // a public key

	Open      vectorEvidence `json:"open"`
	TDX       vectorEvidence `json:"tdx"`
	Simulated vectorEvidence `json:"simulated"`
}

type vectorBlock struct {
	Seqno    uint32   `json:"seqno"`
	RootHash hexBytes `json:"root_hash"`
	Time     uint32   `json:"time"`
}

type vectorEvidence struct {
	GlobalID   int32    `json:"global_id"`
	Claims     hexBytes `json:"claims"`
	ClaimsHash hexBytes `json:"claims_hash"`
	ReportData hexBytes `json:"report_data"`
	Image      hexBytes `json:"image"`
	Evidence   hexBytes `json:"evidence"`
}

const vectorFile = "testdata/vector.json"

func TestVector_IsBelievedAsDocumented(t *testing.T) {
	t.Parallel()
	want, err := json.MarshalIndent(newVector(t), "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(vectorFile, append(want, '\n'), 0o644))
	}
	raw, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(raw), "nothing in it is random")

	var v vector
	require.NoError(t, json.Unmarshal(raw, &v))
	for tier, one := range map[attest.Tier]vectorEvidence{attest.TierOpen: v.Open, attest.TierTDX: v.TDX, attest.TierSimulated: v.Simulated} {
		verdict, err := v.verify(t, tier, one)
		require.NoError(t, err)
		require.Equal(t, tier, verdict.Tier)
		require.Equal(t, []byte(one.Image), verdict.Image[:])
		claims, err := attest.ParseClaims(one.Claims)
		require.NoError(t, err)
		data, hash := claims.ReportData(), claims.Hash()
		require.Equal(t, []byte(one.ReportData), data[:])
		require.Equal(t, []byte(one.ClaimsHash), hash[:])
	}
}

// verify has a client that knows nothing but v judge evidence.
func (v vector) verify(t *testing.T, tier attest.Tier, one vectorEvidence) (attest.Verdict, error) {
	t.Helper()
	now := time.Unix(v.Now, 0)
	root, err := x509.ParseCertificate(v.Root)
	require.NoError(t, err)
	e, err := attest.Parse(one.Evidence)
	require.NoError(t, err)
	policy := attest.Policy{
		GlobalID: one.GlobalID, Account: v.Registry, Root: root, Tiers: []attest.Tier{tier},
		Blocks:   blocks{v.Block.Seqno: {Seqno: v.Block.Seqno, RootHash: [32]byte(v.Block.RootHash), Time: v.Block.Time}},
		Local:    attest.Local{GlobalID: local, Simulator: [32]byte(v.Simulator)},
		Registry: attest.Registry{GlobalID: one.GlobalID, Account: v.Registry, Time: now, Images: map[[32]byte]attest.Image{[32]byte(one.Image): {}}},
	}
	return attest.Verify(e, policy, attest.Worker{Registry: v.Registry, Vault: v.Vault, Key: [32]byte(v.Worker), Time: now}, now)
}

func newVector(t *testing.T) vector {
	t.Helper()
	w := newWorld(t)
	v := vector{Now: noon.Unix(), Registry: w.policy.Account, Vault: w.worker.Vault, Worker: w.worker.Key[:], Root: w.intel.root.Raw,
		Block: vectorBlock{w.block.Seqno, w.block.RootHash[:], w.block.Time}}
	e := w.fixed()
	image := attest.ImageOf(e.Statement.Quote)
	v.TDX = newVectorEvidence(e, image)
	e.Statement = must(attest.NoTEE{}.Quote(t.Context(), e.Claims))
	v.Open = newVectorEvidence(e, [32]byte{})

	simulator := w.onLocalnet()
	v.Simulator = w.policy.Local.Simulator[:]
	e = w.fixed()
	e.Statement = must(simulator.Quote(t.Context(), e.Claims))
	v.Simulated = newVectorEvidence(e, [32]byte{0x51})
	return v
}

func newVectorEvidence(e attest.Evidence, image [32]byte) vectorEvidence {
	data, hash := e.Claims.ReportData(), e.Claims.Hash()
	return vectorEvidence{GlobalID: e.Claims.GlobalID, Claims: e.Claims.Bytes(), ClaimsHash: hash[:], ReportData: data[:], Image: image[:], Evidence: e.Bytes()}
}
