package attest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"

	"github.com/cocoon-network/cocoon"
)

// NVIDIA is the issuer of GPU tokens, as they name it.
const NVIDIA = "https://nras.attestation.nvidia.com"

const maxGPUKeys = 64

// ParseGPUKeys reads a JSON Web Key Set, as NVIDIA's attestation service serves its
// own, and pins what is in it. Keys of other kinds than P-384 are left out; a set
// without one, or with one that is no point of the curve, is Invalid.
func ParseGPUKeys(jwks []byte) (GPUKeys, error) {
	var set struct {
		Keys []struct{ Kty, Crv, Kid, X, Y string }
	}
	k := GPUKeys{Issuer: NVIDIA, Keys: map[string]*ecdsa.PublicKey{}}
	if err := json.Unmarshal(jwks, &set); err != nil || len(set.Keys) > maxGPUKeys {
		return GPUKeys{}, cocoon.Invalid.Errorf("read GPU keys: not a JSON Web Key Set of at most %d keys", maxGPUKeys)
	}
	for _, one := range set.Keys {
		if one.Kty != "EC" || one.Crv != "P-384" {
			continue
		}
		point := []byte{4} // uncompressed
		for _, text := range []string{one.X, one.Y} {
			b, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil || len(b) != es384Size {
				return GPUKeys{}, cocoon.Invalid.Errorf("read GPU key %.64q: a coordinate is not %d bytes", one.Kid, es384Size)
			}
			point = append(point, b...)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
		if err != nil || one.Kid == "" || k.Keys[one.Kid] != nil {
			return GPUKeys{}, cocoon.Invalid.Errorf("read GPU key %.64q: no point of P-384, or not named once", one.Kid)
		}
		k.Keys[one.Kid] = key
	}
	if len(k.Keys) == 0 {
		return GPUKeys{}, cocoon.Invalid.Errorf("read GPU keys: none is of P-384")
	}
	return k, nil
}
