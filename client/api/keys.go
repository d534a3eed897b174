package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Key is an API key as it is kept: its hash, and what it may do. Each is a file
// of its own, for its owner only; deleting the file revokes it.
type Key struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"` // for people
	Hash    string    `json:"sha256"`
	Created time.Time `json:"created"`
	Limits
}

// Limits are what a key may spend and do; zero is no limit.
type Limits struct {
	BudgetDay   cocoon.Nano `json:"budget_day_nano,omitzero"`   // of a UTC day, open requests included
	BudgetTotal cocoon.Nano `json:"budget_total_nano,omitzero"` // of all time
	Requests    int         `json:"requests_per_minute,omitempty"`
	Tokens      int         `json:"tokens_per_minute,omitempty"` // prompt and answer
	Open        int         `json:"open_requests,omitempty"`     // at a time
}

const (
	secretPrefix = "sk-cocoon-"
	secretBytes  = 32
	keyFile      = ".json"
	maxKeyName   = 64
)

// NewKey makes a key in the folder dir and returns it with its secret, which is
// written nowhere and cannot be shown again.
func NewKey(dir, name string, limits Limits, random io.Reader, now time.Time) (Key, string, error) {
	if len(name) > maxKeyName || min(limits.Requests, limits.Tokens, limits.Open) < 0 {
		return Key{}, "", cocoon.Invalid.Errorf("a key's name has at most %d bytes, and no limit is negative", maxKeyName)
	}
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return Key{}, "", fmt.Errorf("draw an API key: %w", err)
	}
	secret := secretPrefix + base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(secret))
	id := sha256.Sum256(sum[:])
	k := Key{ID: hex.EncodeToString(id[:6]), Name: name, Hash: hex.EncodeToString(sum[:]), Created: now.UTC().Truncate(time.Second), Limits: limits}
	body, err := json.MarshalIndent(k, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = writeWhole(filepath.Join(dir, k.ID+keyFile), append(body, '\n'))
	}
	if err != nil {
		return Key{}, "", fmt.Errorf("keep an API key: %w", err)
	}
	return k, secret, nil
}

// writeWhole replaces a file as a whole and makes it last; its mode is 0600.
func writeWhole(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadKeys reads the keys of a folder. It refuses files that others may read or
// change.
func LoadKeys(dir string) ([]Key, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+keyFile))
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	var keys []Key
	for _, path := range paths {
		k, err := loadKey(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // revoked meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("API key %s: %w", path, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func loadKey(path string) (Key, error) {
	at, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if at.Mode().Perm()&0o077 != 0 {
		return Key{}, cocoon.WithHint(cocoon.Forbidden.Errorf("others may read or change it"), "chmod 600 it")
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	return parseKey(body, strings.TrimSuffix(filepath.Base(path), keyFile))
}

func parseKey(body []byte, id string) (Key, error) {
	var k Key
	if json.Unmarshal(body, &k) != nil {
		return Key{}, cocoon.Invalid.Errorf("it is not a key's file")
	}
	sum, err := hex.DecodeString(k.Hash)
	if err != nil || len(sum) != sha256.Size || k.ID != id || min(k.Requests, k.Tokens, k.Open) < 0 {
		return Key{}, cocoon.Invalid.Errorf("its hash, id or limits are damaged")
	}
	return k, nil
}

// keyring is the folder of keys, read again when it changed.
type keyring struct {
	dir string

	mu      sync.Mutex
	keys    []Key
	changed time.Time
	read    time.Time
}

const (
	// coarse is how far apart two changes of a folder may be and still bear the same time.
	coarse = 2 * time.Second
	// stale is how long a change within a file, which its folder does not show, may go unseen.
	stale = 5 * time.Second
)

func (k *keyring) all() ([]Key, error) {
	at, err := os.Stat(k.dir)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now() // the file system's clock
	if k.changed.Equal(at.ModTime()) && k.read.Sub(k.changed) > coarse && now.Sub(k.read) < stale {
		return k.keys, nil
	}
	keys, err := LoadKeys(k.dir)
	if err != nil {
		return nil, err
	}
	k.keys, k.changed, k.read = keys, at.ModTime(), now
	return keys, nil
}

// find is the key whose secret an Authorization header bears. Every hash is
// compared, in constant time.
func (k *keyring) find(header string) (Key, error) {
	keys, err := k.all()
	if err != nil {
		return Key{}, cocoon.Internal.Errorf("no key is accepted: %w", err) // strangers learn no paths
	}
	scheme, secret, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(secret))
	have := []byte(hex.EncodeToString(sum[:]))
	found := -1
	for i := range keys {
		if subtle.ConstantTimeCompare(have, []byte(strings.ToLower(keys[i].Hash))) == 1 {
			found = i
		}
	}
	if found < 0 || !strings.EqualFold(scheme, "Bearer") {
		return Key{}, &Error{Code: CodeInvalidKey, Err: cocoon.WithHint(cocoon.Forbidden.Errorf("the request bears no API key of this daemon"),
			"send Authorization: Bearer and a key made by cocoon client init")}
	}
	return keys[found], nil
}
