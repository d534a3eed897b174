package cli

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

const noWallet = "make a wallet with: cocoon wallet new"

// keyFile is the file behind a key's name; a path stays a path.
func (e *env) keyFile(name string) string {
	if filepath.Base(name) != name {
		return name
	}
	return filepath.Join(e.home, "keys", name+".key")
}

// loadKey is a key of this home; the hint is for where there is none.
func (e *env) loadKey(name, hint string) (ed25519.PrivateKey, error) {
	key, err := chain.LoadKey(e.keyFile(name))
	if cocoon.KindOf(err) == cocoon.NotFound {
		err = cocoon.WithHint(err, "%s", hint)
	}
	return key, err
}

// loadOrMakeKey is a signing key of this home, or a new one that lasts only
// once keep was called: a refusal leaves no key behind.
func (e *env) loadOrMakeKey(name string) (key ed25519.PrivateKey, keep func() error, err error) {
	file := e.keyFile(name)
	key, err = chain.LoadKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, func() error { return nil }, err
	}
	if _, key, err = ed25519.GenerateKey(nil); err != nil {
		return nil, nil, err
	}
	return key, func() error {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := chain.SaveKey(file, key); err != nil {
			return err
		}
		e.say("made key %s", file)
		return nil
	}, nil
}
