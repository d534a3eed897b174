//go:build !linux

package durable

import "os"

// SyncData waits until the disk has what was written.
func SyncData(f *os.File) error { return f.Sync() }
