package dispatcher

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cocoon-network/cocoon"
)

// Blobs keeps payloads and results, both encrypted, as files named by their SHA-256.
type Blobs struct{ dir string }

// OpenBlobs uses dir, which it creates. What a crash left half written is removed.
func OpenBlobs(dir string) (*Blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".part-*"))
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	for _, name := range left {
		if err = os.Remove(name); err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
	}
	return &Blobs{dir}, nil
}

// Put stores what r yields, which must be limit bytes at most and have this
// hash. Anything else, and a full disk, is an error and leaves nothing behind.
func (b *Blobs) Put(hash [32]byte, r io.Reader, limit int) (err error) {
	f, err := os.CreateTemp(b.dir, ".part-*")
	if err != nil {
		return storeError(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, int64(limit)+1))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return storeError(err)
	case n > int64(limit):
		return cocoon.Invalid.Errorf("blob is larger than %d bytes", limit)
	case [32]byte(sum.Sum(nil)) != hash:
		return cocoon.Invalid.Errorf("blob's SHA-256 is not %x", hash)
	}
	return storeError(os.Rename(f.Name(), b.path(hash)))
}

// Get is the blob with this hash, NotFound where it is not kept.
func (b *Blobs) Get(hash [32]byte) ([]byte, error) {
	blob, err := os.ReadFile(b.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cocoon.NotFound.Errorf("no blob %x is kept here", hash)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob %x: %w", hash, err)
	}
	if sha256.Sum256(blob) != hash {
		return nil, cocoon.Internal.Errorf("blob %x was damaged on disk", hash)
	}
	return blob, nil
}

// Has reports whether the blob is kept.
func (b *Blobs) Has(hash [32]byte) bool {
	_, err := os.Stat(b.path(hash))
	return err == nil
}

// Size is the blob's length in bytes, NotFound where it is not kept.
func (b *Blobs) Size(hash [32]byte) (int64, error) {
	info, err := os.Stat(b.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, cocoon.NotFound.Errorf("no blob %x is kept here", hash)
	}
	if err != nil {
		return 0, fmt.Errorf("look for blob %x: %w", hash, err)
	}
	return info.Size(), nil
}

// Part reads the n bytes at offset, fewer at the blob's end. Whoever puts the
// parts together checks the hash.
func (b *Blobs) Part(hash [32]byte, offset int64, n int) ([]byte, error) {
	f, err := os.Open(b.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cocoon.NotFound.Errorf("no blob %x is kept here", hash)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob %x: %w", hash, err)
	}
	defer f.Close()
	part := make([]byte, n)
	read, err := f.ReadAt(part, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read blob %x: %w", hash, err)
	}
	return part[:read], nil
}

// Delete forgets the blob; one that is not kept is none.
func (b *Blobs) Delete(hash [32]byte) error {
	if err := os.Remove(b.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %x: %w", hash, err)
	}
	return nil
}

func (b *Blobs) path(hash [32]byte) string {
	return filepath.Join(b.dir, hex.EncodeToString(hash[:]))
}

// storeError tells a full disk from other failures.
func storeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return cocoon.WithHint(cocoon.Unreachable.Errorf("store blob: %w", err), "the dispatcher's disk is full: free some space, or use another dispatcher")
	}
	if err != nil {
		return fmt.Errorf("store blob: %w", err)
	}
	return nil
}
