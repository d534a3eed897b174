package stream

import (
	"crypto/sha256"
	"io"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// Sealed is a prompt encrypted to the candidates who may answer it.
type Sealed struct {
	Body  []byte   // the prompt, one ciphertext for all
	Wraps [][]byte // its key, for each candidate
}

// Seal encrypts a prompt to candidates, whose contexts were prepared ahead. The
// wraps open with this route and this body only, so that a candidate who knows
// the key cannot make another accept a changed body. Secrets are one for each
// candidate, of which the keys of its frames come.
func Seal(random io.Reader, r Route, prompt []byte, to []*envelope.Context) (s Sealed, secrets []Secret, err error) {
	if len(to) == 0 || len(to) > MaxCandidates {
		return s, nil, cocoon.Invalid.Errorf("a prompt for %d workers", len(to))
	}
	body, key, err := envelope.Encrypt(random, prompt)
	if err != nil {
		return s, nil, err
	}
	s = Sealed{Body: body, Wraps: make([][]byte, len(to))}
	secrets = make([]Secret, len(to))
	binding := bind(r, body)
	for i, c := range to {
		var secret [32]byte
		if s.Wraps[i], secret, err = c.Wrap(key, binding); err != nil {
			return Sealed{}, nil, err
		}
		secrets[i] = Secret(secret)
	}
	return s, secrets, nil
}

// Open is the prompt of a request for the holder of key, and the secret that its
// frames are encrypted under.
func Open(r Route, body, wrap []byte, key envelope.PrivateKey) (prompt []byte, secret Secret, err error) {
	k, s, err := key.Unwrap(wrap, bind(r, body))
	if err != nil {
		return nil, secret, err
	}
	prompt, err = envelope.Open(body, k)
	return prompt, Secret(s), err
}

// bind is what wraps are bound to.
func bind(r Route, body []byte) []byte {
	inner := sha256.Sum256(body)
	sum := sha256.Sum256(append(r.Bytes(), inner[:]...))
	return sum[:]
}
