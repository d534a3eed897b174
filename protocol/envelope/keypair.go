package envelope

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/cloudflare/circl/hpke"
	"github.com/cloudflare/circl/kem/xwing"

	"github.com/cocoon-network/cocoon"
)

const (
	// PublicKeySize is the size of a public key's bytes.
	PublicKeySize = 1216
	// WrapSize is the size of a body key encrypted to a public key: 1,120
	// bytes of encapsulation, then the key and a tag.
	WrapSize = encSize + 32 + tagSize

	encSize = 1120
)

// suite is HPKE with MLKEM768-X25519, which is X-Wing, HKDF-SHA256 and
// AES-256-GCM. circl's is the same as crypto/hpke's, in half the time.
var suite = hpke.NewSuite(hpke.KEM_XWING, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES256GCM)

// PublicKey is a key that body keys are encrypted to.
type PublicKey struct{ key *xwing.PublicKey }

// PrivateKey opens what was encrypted to its public half.
type PrivateKey struct{ key *xwing.PrivateKey }

// NewKeyPair draws a key from the system's randomness.
func NewKeyPair() (PrivateKey, error) {
	k, _, err := xwing.GenerateKeyPair(rand.Reader)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("draw an envelope key: %w", err)
	}
	return PrivateKey{k}, nil
}

// ParsePrivateKey reads what PrivateKey.Bytes wrote.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	if len(b) != xwing.PrivateKeySize {
		return PrivateKey{}, cocoon.Invalid.Errorf("not a private envelope key of 32 bytes")
	}
	var k xwing.PrivateKey
	k.Unpack(b)
	return PrivateKey{&k}, nil
}

// ParsePublicKey reads PublicKeySize bytes.
func ParsePublicKey(b []byte) (PublicKey, error) {
	if len(b) != PublicKeySize {
		return PublicKey{}, cocoon.Invalid.Errorf("envelope key has %d bytes instead of %d", len(b), PublicKeySize)
	}
	var k xwing.PublicKey
	if err := k.Unpack(b); err != nil {
		return PublicKey{}, cocoon.Invalid.Errorf("read an envelope key: %w", err)
	}
	return PublicKey{&k}, nil
}

// Public is the public half.
func (k PrivateKey) Public() PublicKey { return PublicKey{k.key.Public().(*xwing.PublicKey)} }

// Bytes is the secret seed, 32 bytes.
func (k PrivateKey) Bytes() ([]byte, error) { return k.key.MarshalBinary() }

// String keeps keys out of logs and errors.
func (PrivateKey) String() string { return "private key" }

// GoString keeps keys out of logs and errors.
func (PrivateKey) GoString() string { return "private key" }

// Bytes are the PublicKeySize bytes of the key.
func (p PublicKey) Bytes() []byte {
	b := make([]byte, PublicKeySize)
	p.key.Pack(b)
	return b
}

// Hash is SHA-256 of the key's bytes, as certificates and the chain name it.
func (p PublicKey) Hash() [32]byte { return sha256.Sum256(p.Bytes()) }

// sealer begins to encrypt to p.
func (p PublicKey) sealer(info string) ([]byte, hpke.Sealer, error) {
	s, err := suite.NewSender(p.key, []byte(info))
	if err != nil {
		return nil, nil, fmt.Errorf("encrypt to a public key: %w", err)
	}
	enc, sealer, err := s.Setup(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("encrypt to a public key: %w", err)
	}
	return enc, sealer, nil
}

// wrap encrypts key to p; it opens only with the same info and aad.
func (p PublicKey) wrap(key Key, info string, aad []byte) ([]byte, error) {
	enc, sealer, err := p.sealer(info)
	if err != nil {
		return nil, err
	}
	ct, err := sealer.Seal(key[:], aad)
	if err != nil {
		return nil, fmt.Errorf("encrypt a body key: %w", err)
	}
	return append(enc, ct...), nil
}

func (k PrivateKey) unwrap(wrap []byte, info string, aad []byte) (Key, error) {
	r, err := k.opener(wrap, info)
	if err != nil {
		return Key{}, err
	}
	key, err := r.Open(wrap[encSize:], aad)
	if err != nil || len(key) != len(Key{}) {
		return Key{}, cocoon.Invalid.Errorf("wrapped key does not open: it is for another key, job or payload, or was changed")
	}
	return Key(key), nil
}

// opener begins to read a wrap.
func (k PrivateKey) opener(wrap []byte, info string) (hpke.Opener, error) {
	if len(wrap) != WrapSize {
		return nil, cocoon.Invalid.Errorf("wrapped key has %d bytes instead of %d", len(wrap), WrapSize)
	}
	r, err := suite.NewReceiver(k.key, []byte(info))
	if err != nil {
		return nil, fmt.Errorf("read a wrapped key: %w", err)
	}
	o, err := r.Setup(wrap[:encSize])
	if err != nil {
		return nil, cocoon.Invalid.Errorf("read a wrapped key: %w", err)
	}
	return o, nil
}
