package attest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

func TestGPU_BelievesWhatHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withGPUs(2)
	v, err := w.verify(must(attest.Parse(w.evidence().Bytes())))
	require.NoError(t, err)
	require.Equal(t, attest.TierGPU, v.Tier)
	require.Equal(t, []string{"GH100 A01 GSP BROM", "GH100 A01 GSP BROM"}, v.GPUs)

	w.policy.Registry.Time, w.worker.Time = w.now, w.now
	v, err = w.verify(w.evidence())
	require.NoError(t, err)
	require.True(t, noon.Add(time.Hour).Equal(v.NotAfter), "the tokens end")
}

func TestGPU_RefusesForOneReasonEach(t *testing.T) {
	t.Parallel()
	gpu := func(key string, value any) func(*world) {
		return func(w *world) { w.onGPU = func(_, g map[string]any) { g[key] = value } }
	}
	overall := func(key string, value any) func(*world) {
		return func(w *world) { w.onGPU = func(o, _ map[string]any) { o[key] = value } }
	}
	text := func(change func(string) string) func(*world) {
		return func(w *world) { w.onStatement = func(s *attest.Statement) { s.GPU = []byte(change(string(s.GPU))) } }
	}
	for name, c := range map[string]struct {
		set  func(*world)
		then func(*world)
		want error
	}{
		"no JSON":                      {set: text(func(string) string { return "{" }), want: attest.ErrGPU},
		"no tokens":                    {set: text(func(string) string { return `[["JWT","a.b.c"],{}]` }), want: attest.ErrGPU},
		"no JWT":                       {set: text(func(string) string { return `[["JWT","a.b.c"],{"GPU-0":"a.b.c"}]` }), want: attest.ErrGPU},
		"fewer than are registered":    {then: func(w *world) { w.worker.GPUs = 3 }, want: attest.ErrGPU},
		"more than are registered":     {then: func(w *world) { w.worker.GPUs = 1 }, want: attest.ErrGPU},
		"one GPU twice":                {set: gpu("ueid", "device"), want: attest.ErrGPU},
		"a GPU without a name":         {set: gpu("ueid", ""), want: attest.ErrGPU},
		"GPUs the TD does not claim":   {set: func(w *world) { n := w.gpus; w.gpus = 0; w.start(mainnet); w.gpus = n }, want: attest.ErrGPU},
		"tokens of other names":        {set: text(func(s string) string { return strings.Replace(s, "GPU-1", "GPU-7", 1) }), want: attest.ErrGPU},
		"no pinned keys":               {then: func(w *world) { w.policy.GPU.Keys = nil }, want: attest.ErrGPUKey},
		"another key":                  {then: func(w *world) { w.policy.GPU.Keys = otherKey(t, elliptic.P384()) }, want: attest.ErrGPUKey},
		"a signature of another curve": {set: func(w *world) { w.nras = newKey(w.t, elliptic.P256(), 1) }, then: func(w *world) { w.policy.GPU.Keys["key-1"] = &w.nras.PublicKey }, want: attest.ErrGPUKey},
		"another algorithm":            {set: func(w *world) { w.alg = "ES512" }, want: attest.ErrGPUKey},
		"a token left out":             {set: text(func(s string) string { before, _, _ := strings.Cut(s, `,"GPU-1"`); return before + "}]" }), want: attest.ErrGPUResult},
		"a key of another curve":       {then: func(w *world) { w.policy.GPU.Keys = otherKey(t, elliptic.P256()) }, want: attest.ErrGPUKey},
		"another issuer":               {then: func(w *world) { w.policy.GPU.Issuer = "https://example.org" }, want: attest.ErrGPUKey},
		"one token of another issuer":  {set: gpu("iss", "NRAS"), want: attest.ErrGPUKey},
		"another nonce":                {set: gpu("eat_nonce", "00"), want: attest.ErrGPUNonce},
		"another nonce over all":       {set: overall("eat_nonce", "00"), want: attest.ErrGPUNonce},
		"an expired token":             {set: gpu("exp", noon.Unix()), want: attest.ErrGPUExpired},
		"a token without end":          {set: overall("exp", 0), want: attest.ErrGPUExpired},
		"a token of a time to come":    {set: gpu("nbf", noon.Unix()+121), want: attest.ErrGPUExpired},
		"failure over all":             {set: overall("x-nvidia-overall-att-result", false), want: attest.ErrGPUResult},
		"other measurements":           {set: gpu("measres", "fail"), want: attest.ErrGPUResult},
		"a GPU in debug mode":          {set: gpu("dbgstat", "enabled"), want: attest.ErrGPUResult},
		"no secure boot":               {set: gpu("secboot", false), want: attest.ErrGPUResult},
		"a report of another nonce":    {set: gpu("x-nvidia-gpu-attestation-report-nonce-match", false), want: attest.ErrGPUResult},
		"a report signed by others":    {set: gpu("x-nvidia-gpu-attestation-report-signature-verified", false), want: attest.ErrGPUResult},
		"another architecture":         {set: gpu("x-nvidia-gpu-arch-check", nil), want: attest.ErrGPUResult},
		"another model":                {set: gpu("hwmodel", "GB100 A01"), want: attest.ErrGPUModel},
		"no model allowed":             {then: func(w *world) { w.policy.GPUModels = nil }, want: attest.ErrGPUModel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.withGPUs(2)
			if c.set != nil {
				c.set(w)
			}
			e := w.evidence()
			if c.then != nil {
				c.then(w)
			}
			_, err := w.verify(e)
			requireReason(t, err, c.want)
		})
	}
}

func TestGPU_TokensOfOtherClaimsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withGPUs(1)
	before := w.evidence()
	w.now = w.now.Add(time.Second)
	e := w.evidence()
	e.Statement.GPU = before.Statement.GPU
	_, err := w.verify(e)
	requireReason(t, err, attest.ErrGPUNonce)
}

func otherKey(t *testing.T, curve elliptic.Curve) map[string]*ecdsa.PublicKey {
	t.Helper()
	return map[string]*ecdsa.PublicKey{"key-1": &newKey(t, curve, 9).PublicKey}
}
