// Package envelope encrypts what a client and a worker send each other through
// people who must not read it: the payload of a job, the grant of its key to
// one worker, and the result. docs/protocol/envelope.md draws the bytes.
package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cocoon-network/cocoon"
)

// Key is the key of one body, and never of a second one: nonces count from zero.
type Key [32]byte

// String keeps keys out of logs and errors.
func (Key) String() string { return "key" }

// GoString keeps keys out of logs and errors.
func (Key) GoString() string { return "key" }

const (
	// MaxPlaintext is the most bytes one envelope carries.
	MaxPlaintext = 8 << 20

	headerSize = 8
	lengthSize = 8
	chunkSize  = 64 << 10
	tagSize    = 16
)

// MaxBlob is the size of the largest blob Open and OpenResult take.
var MaxBlob = headerSize + WrapSize + bodySize(MaxPlaintext)

// A blob's first bytes: magic, version, sort, three zeros. They are
// authenticated with every chunk.
var (
	payloadHeader = [headerSize]byte{'C', 'C', 'N', 1, 1}
	resultHeader  = [headerSize]byte{'C', 'C', 'N', 1, 2}
)

// Hash names a blob: SHA-256, as the chain keeps it.
func Hash(blob []byte) [32]byte { return sha256.Sum256(blob) }

// Encrypt makes a job's payload out of plaintext under a fresh key read from
// random. Plaintext above MaxPlaintext is refused.
func Encrypt(random io.Reader, plaintext []byte) (blob []byte, key Key, err error) {
	if len(plaintext) > MaxPlaintext {
		return nil, Key{}, cocoon.Invalid.Errorf("%d bytes do not fit an envelope of %d", len(plaintext), MaxPlaintext)
	}
	if _, err = io.ReadFull(random, key[:]); err != nil {
		return nil, Key{}, fmt.Errorf("draw a body key: %w", err)
	}
	return encryptBody(payloadHeader[:], payloadHeader[:], key, plaintext), key, nil
}

// Open is the plaintext of a payload. A blob that was cut, reordered, extended
// or changed in any bit, and any other key, is refused.
func Open(blob []byte, key Key) ([]byte, error) {
	if !bytes.HasPrefix(blob, payloadHeader[:]) {
		return nil, cocoon.Invalid.Errorf("not a payload envelope of version 1")
	}
	return openBody(payloadHeader[:], blob[headerSize:], key)
}

// encryptBody appends the encrypted chunks of plaintext to prefix. Each is encrypted
// where it stands.
func encryptBody(prefix, header []byte, key Key, plaintext []byte) []byte {
	out := append(make([]byte, 0, len(prefix)+bodySize(len(plaintext))), prefix...)
	aead, left, length := newAEAD(key), padme(lengthSize+len(plaintext)), uint64(len(plaintext))
	for i := uint64(0); ; i++ {
		n, from := min(chunkSize, left), len(out)
		if i == 0 {
			out = binary.BigEndian.AppendUint64(out, length)
		}
		some := min(len(plaintext), from+n-len(out))
		out = append(out, plaintext[:some]...)
		text := out[from : from+n] // what follows was never written, and pads
		plaintext, left = plaintext[some:], left-n
		out = aead.Seal(out[:from], nonce(i), text, chunkAAD(header, left == 0))
		if left == 0 {
			return out
		}
	}
}

func openBody(header, body []byte, key Key) ([]byte, error) {
	if len(body) > bodySize(MaxPlaintext) {
		return nil, cocoon.Invalid.Errorf("envelope of %d bytes is too large", len(body))
	}
	aead, padded := newAEAD(key), make([]byte, 0, len(body))
	for i := uint64(0); ; i++ {
		n := min(chunkSize+tagSize, len(body))
		final := n == len(body)
		var err error
		if padded, err = aead.Open(padded, nonce(i), body[:n], chunkAAD(header, final)); err != nil {
			return nil, cocoon.Invalid.Errorf("envelope does not open: wrong key, or it was changed in chunk %d", i)
		}
		if body = body[n:]; final {
			return unpad(padded)
		}
	}
}

// unpad refuses padding Encrypt would not have made, so that one plaintext and
// key have one blob.
func unpad(padded []byte) ([]byte, error) {
	if len(padded) < lengthSize {
		return nil, cocoon.Invalid.Errorf("envelope is too short to hold a length")
	}
	n := binary.BigEndian.Uint64(padded)
	if n > MaxPlaintext || padme(lengthSize+int(n)) != len(padded) {
		return nil, cocoon.Invalid.Errorf("envelope of %d bytes cannot hold %d", len(padded), n)
	}
	text, pad := padded[lengthSize:lengthSize+n], padded[lengthSize+n:]
	if bytes.Count(pad, []byte{0}) != len(pad) {
		return nil, cocoon.Invalid.Errorf("envelope is padded with something else than zeros")
	}
	return text, nil
}

func bodySize(plaintext int) int {
	padded := padme(lengthSize + plaintext)
	return padded + (padded+chunkSize-1)/chunkSize*tagSize
}

func nonce(chunk uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4, 12), chunk) }

func chunkAAD(header []byte, final bool) []byte {
	aad := append(make([]byte, 0, headerSize+1), header...)
	if final {
		return append(aad, 1)
	}
	return append(aad, 0)
}

func newAEAD(key Key) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are always a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES always has 16-byte blocks
	}
	return aead
}
