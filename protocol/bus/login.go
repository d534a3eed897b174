package bus

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/cocoon-network/cocoon"
)

// UserKey is a worker's key W as the user name of its NATS connection.
func UserKey(w ID) (string, error) {
	s, err := nkeys.Encode(nkeys.PrefixByteUser, w[:])
	if err != nil {
		return "", fmt.Errorf("user key of worker %s: %w", w, err)
	}
	return string(s), nil
}

// SignNonce answers the server's login challenge with a worker's private key.
// That key also signs deliveries, whose signed bytes are 32-byte hashes: a
// nonce that could be one, or anything else than NATS's short base64, is refused.
func SignNonce(key ed25519.PrivateKey, nonce []byte) ([]byte, error) {
	if err := validateNonce(nonce); err != nil {
		return nil, err
	}
	return ed25519.Sign(key, nonce), nil
}

// VerifyLogin returns the worker whose key signed nonce. user and signature
// are as the connection presents them: an nkey and base64.
func VerifyLogin(user, signature string, nonce []byte) (ID, error) {
	raw, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(user))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return ID{}, cocoon.Forbidden.Errorf("login: user is not the nkey of a worker")
	}
	w := ID(raw)
	sig, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(signature, "="))
	if err != nil || validateNonce(nonce) != nil || !ed25519.Verify(raw, nonce, sig) {
		return ID{}, cocoon.Forbidden.Errorf("login: signature is not worker %s's", w)
	}
	return w, nil
}

const maxNonce = 24

func validateNonce(nonce []byte) error {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(nonce) < 8 || len(nonce) > maxNonce || strings.Trim(string(nonce), alphabet) != "" {
		return cocoon.Forbidden.Errorf("login challenge is not a NATS nonce of 8 to %d characters", maxNonce)
	}
	return nil
}
