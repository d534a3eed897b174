package ledger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cocoon-network/cocoon"
)

// segments are the first records of the log's files in dir, ascending.
func segments(dir string) (first []uint64, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "log-*")) // sorted, and names have one length
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		var n uint64
		if _, err = fmt.Sscanf(filepath.Base(path), "log-%016x", &n); err != nil || segmentPath(dir, n) != path {
			return nil, cocoon.WithHint(cocoon.Conflict.Errorf("%s is no file of the log", path), "keep other files elsewhere")
		}
		first = append(first, n)
	}
	return first, nil
}

// replay calls f with each durable record behind seq, in order, and returns the
// seq of the last one. Records that were never synced may be torn or missing;
// one that was synced and cannot be read is a damaged disk, and an error.
func replay(dir string, seq uint64, f func(body []byte) error) (last uint64, err error) {
	files, err := segments(dir)
	if err != nil {
		return 0, err
	}
	last = seq
	for _, first := range files {
		content, err := os.ReadFile(segmentPath(dir, first))
		if err == nil {
			last, err = replayFile(content, last, f)
		}
		if err != nil {
			return 0, err
		}
	}
	return last, nil
}

func replayFile(content []byte, last uint64, f func(body []byte) error) (uint64, error) {
	for len(content) > 0 {
		r, size := nextFrame(content)
		if size == 0 {
			content = content[max(1, zeros(content)-3):] // room, the torn end, or damage that a later record shows
			continue
		}
		content = content[size:]
		if r.synced > last {
			return 0, cocoon.WithHint(cocoon.Internal.Errorf("record %d of the log was durable and cannot be read", last+1),
				"the disk is damaged: restore the folder, or ask clients and workers for what they hold")
		}
		if r.seq != last+1 {
			continue // the tables have it, or one before it is torn
		}
		if err := f(r.body); err != nil {
			return 0, fmt.Errorf("record %d of the log: %w", r.seq, err)
		}
		last++
	}
	return last, nil
}

// zeros are how many b begins with. A frame begins with three at most, since none is
// empty.
func zeros(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) }
