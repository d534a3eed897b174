//go:build !unix

// Package filelock keeps two processes out of one folder.
package filelock

import (
	"errors"
	"os"
)

// Take refuses: without a lock that dies with its process two could write to
// one folder.
func Take(string) (*os.File, error) {
	return nil, errors.New("a data folder needs the file locks of a Unix system")
}
