// Package durable writes files that are there after a crash, or not at all.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Unfinished ends the name of what a crash left half written.
const Unfinished = ".tmp"

// Write makes or replaces a file and waits until the disk has it. Only the owner
// may read it.
func Write(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

// Move renames and waits until the disk has the new name.
func Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Replace puts raw at path: a crash leaves the file before or the one after.
func Replace(path string, raw []byte) error {
	if err := Write(path+Unfinished, raw); err != nil {
		return err
	}
	return Move(path+Unfinished, path)
}
