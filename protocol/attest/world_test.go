package attest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

var intel = sync.OnceValue(func() *authority { return newAuthority(&testing.T{}, 0) })

// world is one worker with a TEE of the test's authority, and a client.
type world struct {
	t      testing.TB
	intel  *authority
	key    ed25519.PrivateKey // W
	policy attest.Policy
	worker attest.Worker
	block  attest.Block
	now    time.Time

	session *attest.Session
	gpus    int // with evidence of so many
	nras    *ecdsa.PrivateKey
	alg     string // of tokens

	// Changes to what is made, before it is signed.
	onTD         func(*td)
	onCollateral func(*attest.Collateral)
	onGPU        func(overall, gpu map[string]any)
	onStatement  func(*attest.Statement)
}

type blocks map[uint32]attest.Block

func (b blocks) Block(seqno uint32) (attest.Block, bool) { known, ok := b[seqno]; return known, ok }

func newWorld(t testing.TB) *world {
	t.Helper()
	registry, vault := cocoon.Account{0: 1, 31: 1}, cocoon.Account{0: 2, 31: 2}
	w := &world{t: t, intel: intel(), key: ed25519.NewKeyFromSeed(make([]byte, 32)), now: noon}
	w.block = attest.Block{Seqno: 77, RootHash: [32]byte{7}, Time: uint32(noon.Add(-time.Minute).Unix())}
	w.worker = attest.Worker{Registry: registry, Vault: vault, Key: [32]byte(w.key.Public().(ed25519.PublicKey)), Time: noon.Add(-time.Minute)}
	image := attest.ImageOf(w.intel.quote(t, newTD([64]byte{})))
	w.policy = attest.Policy{
		GlobalID: mainnet, Account: registry, Root: w.intel.root, Blocks: blocks{w.block.Seqno: w.block}, Tiers: []attest.Tier{attest.TierTDX},
		Registry: attest.Registry{GlobalID: mainnet, Account: registry, Seqno: 78, Time: noon.Add(-time.Minute), Images: map[[32]byte]attest.Image{image: {Name: "worker 1"}}},
	}
	w.start(mainnet)
	return w
}

const mainnet, testnet, local = -239, -3, -217

// start boots the worker on a network: new keys, certified for a day.
func (w *world) start(globalID int32) {
	w.t.Helper()
	var err error
	seed := mathrand.NewChaCha8([32]byte{1})
	w.session, err = attest.NewSession(seed, attest.Identity{GlobalID: globalID, Vault: w.worker.Vault, Worker: w.worker.Key, GPUs: uint8(w.gpus)})
	require.NoError(w.t, err)
	w.certify(w.now.Add(24 * time.Hour))
	_, err = w.session.Rotate(w.now)
	require.NoError(w.t, err)
}

func (w *world) certify(until time.Time) {
	w.t.Helper()
	cert, err := w.session.Request(until).Sign(w.key)
	require.NoError(w.t, err)
	require.NoError(w.t, w.session.Certify(cert))
}

// Quote is the test's TEE: it implements attest.Quoter.
func (w *world) Quote(_ context.Context, c attest.Claims) (attest.Statement, error) {
	d := newTD(c.ReportData())
	if w.onTD != nil {
		w.onTD(d)
	}
	s := attest.Statement{TEE: attest.TEETDX, Quote: w.intel.quote(w.t, d), Collateral: w.intel.collateral(w.t)}
	if w.onCollateral != nil {
		w.onCollateral(&s.Collateral)
	}
	if w.gpus > 0 {
		s.GPU = w.eat(c.Hash())
	}
	if w.onStatement != nil {
		w.onStatement(&s)
	}
	return s, nil
}

func (w *world) evidence() attest.Evidence { return w.evidenceBy(w) }

func (w *world) evidenceBy(q attest.Quoter) attest.Evidence {
	w.t.Helper()
	e, err := w.session.Evidence(w.t.Context(), q, w.block, w.now)
	require.NoError(w.t, err)
	return e
}

// resigned are the claims of e, changed, signed again and bound again: a worker that lies.
func (w *world) resigned(change func(*attest.Claims)) attest.Evidence {
	w.t.Helper()
	e := w.evidence()
	e.Claims.Keys = append([]attest.Key{}, e.Claims.Keys...)
	change(&e.Claims)
	data := e.Claims.ReportData()
	e.Signature = [64]byte(ed25519.Sign(w.session.Signer(), data[:]))
	var err error
	e.Statement, err = w.Quote(w.t.Context(), e.Claims)
	require.NoError(w.t, err)
	return e
}

func (w *world) verify(e attest.Evidence) (attest.Verdict, error) {
	return attest.Verify(e, w.policy, w.worker, w.now)
}

var simulatorKey = ed25519.NewKeyFromSeed(append(make([]byte, 31), 9))

// onLocalnet moves all to a local network, whose simulator is the policy's.
func (w *world) onLocalnet() attest.Simulator {
	w.t.Helper()
	image := [32]byte{0x51}
	w.policy.GlobalID, w.policy.Registry.GlobalID = local, local
	w.policy.Local = attest.Local{GlobalID: local, Simulator: [32]byte(simulatorKey.Public().(ed25519.PublicKey))}
	w.policy.Tiers = []attest.Tier{attest.TierSimulated}
	w.policy.Registry.Images[image] = attest.Image{Name: "simulated"}
	w.start(local)
	return attest.NewSimulator(simulatorKey, image)
}

// withGPUs gives the worker n GPUs with tokens of a service whose key the policy pins.
func (w *world) withGPUs(n int) {
	w.t.Helper()
	w.nras, w.alg = newKey(w.t, elliptic.P384(), 1), "ES384"
	w.gpus, w.worker.GPUs = n, n
	w.start(w.policy.GlobalID)
	w.policy.Tiers, w.policy.GPUModels = []attest.Tier{attest.TierGPU}, []string{"GH100"}
	w.policy.GPU = attest.GPUKeys{Issuer: nrasIssuer, Keys: map[string]*ecdsa.PublicKey{"key-1": &w.nras.PublicKey}}
}

const nrasIssuer = "https://nras.attestation.nvidia.com"

// eat is a detached EAT as NVIDIA's service answers, for nonce.
func (w *world) eat(nonce [32]byte) []byte {
	w.t.Helper()
	common := func(more map[string]any) map[string]any {
		more["iss"], more["eat_nonce"] = nrasIssuer, hex.EncodeToString(nonce[:])
		more["nbf"], more["exp"] = w.now.Add(-time.Minute).Unix(), w.now.Add(time.Hour).Unix()
		return more
	}
	overall := common(map[string]any{"x-nvidia-ver": "3.0", "x-nvidia-overall-att-result": true})
	tokens, submods := map[string]string{}, map[string]any{}
	for i := range w.gpus {
		gpu := common(map[string]any{"measres": "success", "secboot": true, "dbgstat": "disabled", "hwmodel": "GH100 A01 GSP BROM", "ueid": fmt.Sprint("device ", i),
			"x-nvidia-gpu-attestation-report-nonce-match": true, "x-nvidia-gpu-attestation-report-signature-verified": true, "x-nvidia-gpu-arch-check": true})
		if w.onGPU != nil {
			w.onGPU(overall, gpu)
		}
		name := fmt.Sprintf("GPU-%d", i)
		tokens[name] = w.jwt(gpu)
		hash := sha256.Sum256([]byte(tokens[name]))
		submods[name] = []any{"DIGEST", []string{"SHA-256", hex.EncodeToString(hash[:])}}
	}
	overall["submods"] = submods
	b, err := json.Marshal([]any{[]string{"JWT", w.jwt(overall)}, tokens})
	require.NoError(w.t, err)
	return b
}

func (w *world) jwt(claims map[string]any) string {
	w.t.Helper()
	body, err := json.Marshal(claims)
	require.NoError(w.t, err)
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(fmt.Appendf(nil, `{"alg":%q,"kid":"key-1","typ":"JWT"}`, w.alg)) + "." + encode(body)
	hash := sha512.Sum384([]byte(signed))
	return signed + "." + encode(signRaw(w.t, w.nras, crypto.SHA384, hash[:], 48))
}

// fixed is evidence without randomness, since its encryption keys are given.
func (w *world) fixed() attest.Evidence {
	w.t.Helper()
	return w.resigned(func(c *attest.Claims) {
		for i := range c.Keys {
			k, err := envelope.ParsePrivateKey(bytes.Repeat([]byte{byte(i + 1)}, 32))
			require.NoError(w.t, err)
			c.Keys[i].Public = [envelope.PublicKeySize]byte(k.Public().Bytes())
		}
	})
}
