//go:build unix

// Package filelock keeps two processes out of one folder.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Take keeps a second process out of what the file called name stands for, until it is closed,
// or this process dies however it may.
func Take(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += tick {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if waited >= patience {
			return nil, errors.Join(fmt.Errorf("another process holds %s: %w", name, err), file.Close())
		}
		time.Sleep(tick)
	}
}

// A process that was killed, or one that is being forked, may hold a lock for a
// moment longer.
const (
	tick     = 20 * time.Millisecond
	patience = time.Second
)
