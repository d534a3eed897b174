package envelope

import (
	"crypto/hpke"
	"crypto/sha256"
	"fmt"

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

// PublicKey is a key that body keys are encrypted to, by HPKE with
// MLKEM768-X25519, HKDF-SHA256 and AES-256-GCM.
type PublicKey struct{ key hpke.PublicKey }

// PrivateKey opens what was encrypted to its public half.
type PrivateKey struct{ key hpke.PrivateKey }

// NewKeyPair draws a key. crypto/hpke takes its randomness from the system.
func NewKeyPair() (PrivateKey, error) {
	k, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("draw an envelope key: %w", err)
	}
	return PrivateKey{k}, nil
}

// ParsePrivateKey reads what PrivateKey.Bytes wrote.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	k, err := hpke.MLKEM768X25519().NewPrivateKey(b)
	if err != nil {
		return PrivateKey{}, cocoon.Invalid.Errorf("not a private envelope key of 32 bytes")
	}
	return PrivateKey{k}, nil
}

// ParsePublicKey reads PublicKeySize bytes.
func ParsePublicKey(b []byte) (PublicKey, error) {
	k, err := hpke.MLKEM768X25519().NewPublicKey(b)
	if err != nil {
		return PublicKey{}, cocoon.Invalid.Errorf("read an envelope key: %w", err)
	}
	return PublicKey{k}, nil
}

// Public is the public half.
func (k PrivateKey) Public() PublicKey { return PublicKey{k.key.PublicKey()} }

// Bytes is the secret seed, 32 bytes.
func (k PrivateKey) Bytes() ([]byte, error) { return k.key.Bytes() }

// String keeps keys out of logs and errors.
func (PrivateKey) String() string { return "private key" }

// GoString keeps keys out of logs and errors.
func (PrivateKey) GoString() string { return "private key" }

// Bytes are the PublicKeySize bytes of the key.
func (p PublicKey) Bytes() []byte { return p.key.Bytes() }

// Hash is SHA-256 of the key's bytes, as certificates and the chain name it.
func (p PublicKey) Hash() [32]byte { return sha256.Sum256(p.Bytes()) }

// wrap encrypts key to p; it opens only with the same info and aad.
func (p PublicKey) wrap(key Key, info string, aad []byte) ([]byte, error) {
	enc, sender, err := hpke.NewSender(p.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		return nil, cocoon.Invalid.Errorf("encrypt to a public key: %w", err)
	}
	ct, err := sender.Seal(aad, key[:])
	if err != nil {
		return nil, fmt.Errorf("encrypt a body key: %w", err)
	}
	return append(enc, ct...), nil
}

func (k PrivateKey) unwrap(wrap []byte, info string, aad []byte) (Key, error) {
	r, err := k.recipient(wrap, info)
	if err != nil {
		return Key{}, err
	}
	key, err := r.Open(aad, wrap[encSize:])
	if err != nil || len(key) != len(Key{}) {
		return Key{}, cocoon.Invalid.Errorf("wrapped key does not open: it is for another key, job or payload, or was changed")
	}
	return Key(key), nil
}

// recipient begins to read a wrap.
func (k PrivateKey) recipient(wrap []byte, info string) (*hpke.Recipient, error) {
	if len(wrap) != WrapSize {
		return nil, cocoon.Invalid.Errorf("wrapped key has %d bytes instead of %d", len(wrap), WrapSize)
	}
	r, err := hpke.NewRecipient(wrap[:encSize], k.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		return nil, cocoon.Invalid.Errorf("read a wrapped key: %w", err)
	}
	return r, nil
}
