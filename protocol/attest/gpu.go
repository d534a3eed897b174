package attest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"
)

const (
	es384Size = 48 // bytes of one half of a signature
	maxGPUs   = 64
)

// GPUKeys are whose GPU tokens are believed: NVIDIA's attestation service at a
// given time, pinned, since its keys cannot be looked up offline.
type GPUKeys struct {
	Issuer string                      // as the tokens name it, e.g. "https://nras.attestation.nvidia.com"
	Keys   map[string]*ecdsa.PublicKey // P-384, by key id
}

// eatBundle is a detached EAT: the overall token, and one token a GPU.
type eatBundle struct {
	overall string
	gpus    map[string]string
}

func parseEAT(b []byte) (e eatBundle, err error) {
	var parts []json.RawMessage
	var overall []string
	if json.Unmarshal(b, &parts) != nil || len(parts) != 2 || json.Unmarshal(parts[0], &overall) != nil || json.Unmarshal(parts[1], &e.gpus) != nil {
		return e, because(ErrGPU, "not a detached EAT")
	}
	if len(overall) != 2 || overall[0] != "JWT" || len(e.gpus) == 0 || len(e.gpus) > maxGPUs {
		return e, because(ErrGPU, "a detached EAT of %d tokens", len(e.gpus))
	}
	e.overall = overall[1]
	return e, nil
}

// overallClaims and gpuClaims are what is looked at; tokens say more.
type overallClaims struct {
	OK      bool `json:"x-nvidia-overall-att-result"`
	Submods map[string][2]json.RawMessage
}

type gpuClaims struct {
	Measurements string `json:"measres"`
	SecureBoot   bool   `json:"secboot"`
	Debug        string `json:"dbgstat"`
	Model        string `json:"hwmodel"`
	Device       string `json:"ueid"` // of this GPU among all
	NonceMatch   bool   `json:"x-nvidia-gpu-attestation-report-nonce-match"`
	Signature    bool   `json:"x-nvidia-gpu-attestation-report-signature-verified"`
	Architecture bool   `json:"x-nvidia-gpu-arch-check"`
}

func (c gpuClaims) good() bool {
	return strings.EqualFold(c.Measurements, "success") && c.SecureBoot && c.Debug == "disabled" && c.NonceMatch && c.Signature && c.Architecture
}

// open verifies GPU evidence made for nonce, and returns the models of the GPUs, sorted.
func (k GPUKeys) open(evidence []byte, nonce [32]byte, now time.Time) (models []string, notAfter time.Time, err error) {
	bundle, err := parseEAT(evidence)
	if err != nil {
		return nil, notAfter, err
	}
	var all overallClaims
	if notAfter, err = k.token(bundle.overall, nonce, now, &all); err != nil {
		return nil, notAfter, err
	}
	if !all.OK || len(all.Submods) != len(bundle.gpus) {
		return nil, notAfter, because(ErrGPUResult, "overall %t, %d of %d GPUs", all.OK, len(bundle.gpus), len(all.Submods))
	}
	devices := map[string]bool{}
	for name, token := range bundle.gpus {
		if !digestOf(all.Submods[name], token) {
			return nil, notAfter, because(ErrGPU, "the overall token is not of this token of %.16q", name)
		}
		var one gpuClaims
		end, err := k.token(token, nonce, now, &one)
		if err != nil {
			return nil, notAfter, err
		}
		if !one.good() {
			return nil, notAfter, because(ErrGPUResult, "%.16q: measurements %.16q, debug %.16q, secure boot %t", name, one.Measurements, one.Debug, one.SecureBoot)
		}
		if one.Device == "" || devices[one.Device] {
			return nil, notAfter, because(ErrGPU, "device %.64q is named twice, or not at all", one.Device)
		}
		devices[one.Device] = true
		models, notAfter = append(models, one.Model), earliest(notAfter, end)
	}
	slices.Sort(models)
	return models, notAfter, nil
}

// digestOf reports whether a submodule entry, ["DIGEST", ["SHA-256", hex]], is of token.
func digestOf(entry [2]json.RawMessage, token string) bool {
	var kind string
	var digest [2]string
	if json.Unmarshal(entry[0], &kind) != nil || json.Unmarshal(entry[1], &digest) != nil {
		return false
	}
	hash := sha256.Sum256([]byte(token))
	return kind == "DIGEST" && (digest[0] == "SHA-256" || digest[0] == "SHA256") && strings.EqualFold(digest[1], hex.EncodeToString(hash[:]))
}

// token verifies one JWT signed by ES384 for nonce and reads its claims.
func (k GPUKeys) token(token string, nonce [32]byte, now time.Time, claims any) (notAfter time.Time, err error) {
	signed, signature, _ := cutLast(token, ".")
	head, body, _ := strings.Cut(signed, ".")
	var header struct{ Alg, Kid string }
	var common struct {
		Issuer string  `json:"iss"`
		Nonce  string  `json:"eat_nonce"`
		From   float64 `json:"nbf"`
		Until  float64 `json:"exp"`
	}
	sig, sigErr := base64.RawURLEncoding.Strict().DecodeString(signature)
	if sigErr != nil || !segment(head, &header) || !segment(body, &common) || !segment(body, claims) {
		return notAfter, because(ErrGPU, "not a JWT")
	}
	if key := k.Keys[header.Kid]; header.Alg != "ES384" || key == nil || !verifyES384(key, signed, sig) {
		return notAfter, because(ErrGPUKey, "algorithm %.8q, key %.64q", header.Alg, header.Kid)
	}
	if common.Issuer != k.Issuer {
		return notAfter, because(ErrGPUKey, "issued by %.64q", common.Issuer)
	}
	if !strings.EqualFold(common.Nonce, hex.EncodeToString(nonce[:])) {
		return notAfter, ErrGPUNonce
	}
	notAfter = time.Unix(int64(common.Until), 0)
	if !now.Before(notAfter) || now.Add(Skew).Before(time.Unix(int64(common.From), 0)) {
		return notAfter, because(ErrGPUExpired, "good until %s", notAfter.UTC().Format(time.RFC3339))
	}
	return notAfter, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func segment(s string, into any) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && json.Unmarshal(raw, into) == nil
}

func verifyES384(key *ecdsa.PublicKey, signed string, sig []byte) bool {
	if len(sig) != 2*es384Size || key.Curve.Params().BitSize != 384 {
		return false
	}
	hash := sha512.Sum384([]byte(signed))
	return ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(sig[:es384Size]), new(big.Int).SetBytes(sig[es384Size:]))
}
