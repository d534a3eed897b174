package chain

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/xssnick/tonutils-go/ton/wallet"

	"github.com/cocoon-network/cocoon"
)

// mnemonicWords is how many words TON wallets show for a key.
const mnemonicWords = 24

// NewMnemonic makes a new key as the 24 words other TON wallets understand.
func NewMnemonic() []string { return wallet.NewSeed() }

// KeyFromMnemonic is the key behind 24 words without a password. No error tells
// the words.
func KeyFromMnemonic(words []string) (ed25519.PrivateKey, error) {
	if len(words) != mnemonicWords {
		return nil, cocoon.Invalid.Errorf("%d words given, a key has %d", len(words), mnemonicWords)
	}
	lower := make([]string, len(words))
	for i, w := range words {
		lower[i] = strings.ToLower(w)
	}
	key, err := wallet.SeedToPrivateKeyWithOptions(lower)
	if err != nil { // the cause may quote a word
		return nil, cocoon.WithHint(cocoon.Invalid.Errorf("the words are not those of a TON wallet without password"),
			"check their spelling and order")
	}
	return key, nil
}

// maxKeyFile is more than any form of a key takes.
const maxKeyFile = 1024

// LoadKey reads a key file: one line of 24 words, or 32 bytes of seed or 64 of
// private key in hex or base64. A file that others may read is refused.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cocoon.NotFound.Errorf("key file: %w", err)
	}
	if err != nil {
		return nil, cocoon.Forbidden.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, cocoon.Invalid.Errorf("key file %s is no regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, cocoon.WithHint(cocoon.Forbidden.Errorf("key file %s may be read by others (mode %04o)", path, info.Mode().Perm()),
			"chmod 600 %s", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// ParseKey reads a key in any form a key file may have. No error tells any of it.
func ParseKey(text string) (ed25519.PrivateKey, error) {
	if len(text) > maxKeyFile {
		return nil, cocoon.Invalid.Errorf("too long for a key")
	}
	words := strings.Fields(text)
	if len(words) != 1 {
		return KeyFromMnemonic(words)
	}
	raw, err := hex.DecodeString(words[0])
	if err != nil {
		raw, err = base64.StdEncoding.DecodeString(words[0])
	}
	if err != nil {
		return nil, cocoon.Invalid.Errorf("neither %d words nor hex nor base64", mnemonicWords)
	}
	switch len(raw) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), nil
	case ed25519.PrivateKeySize:
		key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		if !key.Equal(ed25519.PrivateKey(raw)) {
			return nil, cocoon.Invalid.Errorf("the public half does not belong to the private half")
		}
		return key, nil
	}
	return nil, cocoon.Invalid.Errorf("%d bytes are no key; 32 or 64 are", len(raw))
}

// SaveKey writes the key's seed in hex to a new file that only its owner may
// read. A file that is there already is a Conflict and stays as it is.
func SaveKey(path string, key ed25519.PrivateKey) error {
	if len(key) != ed25519.PrivateKeySize {
		return cocoon.Invalid.Errorf("no key is given")
	}
	return saveSecret(path, hex.EncodeToString(key.Seed()))
}

// SaveMnemonic is SaveKey of the words themselves, so that they can be carried
// to another wallet later.
func SaveMnemonic(path string, words []string) error {
	if _, err := KeyFromMnemonic(words); err != nil {
		return err
	}
	return saveSecret(path, strings.ToLower(strings.Join(words, " ")))
}

func saveSecret(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return cocoon.WithHint(cocoon.Conflict.Errorf("key file %s is there already", path), "choose another name; keys are never overwritten")
	}
	if err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	_, err = io.WriteString(f, line+"\n")
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil { // half a key is worse than none
		return errors.Join(fmt.Errorf("save key: %w", err), os.Remove(path))
	}
	return nil
}
