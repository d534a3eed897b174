package dispatcher

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// keyring are the ledger keys that we hold. It implements ledger.Signer.
type keyring struct {
	held map[[32]byte]crypto.Signer

	mu       sync.Mutex
	receipts wrappers.ReceiptKeys // as the rewards contract has them; its endpoint left out
}

// newKeyring wants Ed25519 keys.
func newKeyring(keys []crypto.Signer) (*keyring, error) {
	k := &keyring{held: map[[32]byte]crypto.Signer{}}
	for _, key := range keys {
		public, ok := key.Public().(ed25519.PublicKey)
		if !ok {
			return nil, cocoon.Invalid.Errorf("a ledger key is an Ed25519 key, not a %T", key.Public())
		}
		k.held[[32]byte(public)] = key
	}
	return k, nil
}

// String keeps keys out of logs.
func (k *keyring) String() string { return fmt.Sprintf("%d ledger keys", len(k.held)) }

// holds reports whether key is one of ours.
func (k *keyring) holds(key [32]byte) bool { return k.held[key] != nil }

// tell says which keys receipts verify under now.
func (k *keyring) tell(r wrappers.ReceiptKeys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.receipts = r
}

// Sign signs hash with the receipt key of number, which is a Conflict where that
// is nobody's or not ours.
func (k *keyring) Sign(number uint32, hash [32]byte) ([64]byte, error) {
	k.mu.Lock()
	key := k.receipts.Of(number)
	k.mu.Unlock()
	if key == [32]byte{} {
		return [64]byte{}, cocoon.WithHint(cocoon.Conflict.Errorf("the rewards contract has no receipt key for epoch %d", number), "cocoon dispatcher key")
	}
	return k.by(key, hash)
}

// by signs hash with key, if we hold it.
func (k *keyring) by(key, hash [32]byte) (sig [64]byte, err error) {
	held := k.held[key]
	if held == nil {
		return sig, cocoon.WithHint(cocoon.Conflict.Errorf("ledger key %x is not here", key[:4]), "name its file with --ledger-key")
	}
	s, err := held.Sign(rand.Reader, hash[:], crypto.Hash(0))
	if err != nil {
		return sig, fmt.Errorf("sign with ledger key %x: %w", key[:4], err)
	}
	if len(s) != len(sig) {
		return sig, cocoon.Internal.Errorf("ledger key %x made a signature of %d bytes", key[:4], len(s))
	}
	return [64]byte(s), nil
}
