//go:build unix

package localnet

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockFolder keeps a second process out of a folder until the file is closed,
// or this process dies however it may.
func lockFolder(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += lockTick {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if waited >= lockPatience {
			return nil, errors.Join(fmt.Errorf("another process holds %s: %w", name, err), file.Close())
		}
		time.Sleep(lockTick)
	}
}

// A process that was killed, or one that is being forked, may hold a lock for a
// moment longer.
const (
	lockTick     = 20 * time.Millisecond
	lockPatience = time.Second
)
