//go:build !unix

package localnet

import (
	"errors"
	"os"
)

// lockFolder refuses: without a lock that dies with its process two chains could
// write to one folder.
func lockFolder(string) (*os.File, error) {
	return nil, errors.New("a data folder needs the file locks of a Unix system")
}
