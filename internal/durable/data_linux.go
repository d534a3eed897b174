package durable

import (
	"os"
	"syscall"
)

// SyncData waits until the disk has what was written, and what is needed to read it:
// of the file itself no more than that.
func SyncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
