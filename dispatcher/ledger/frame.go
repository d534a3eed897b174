package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

const (
	frameHead   = 4 + 4 + 8 + 8 // size of the body, checksum of the rest, seq, seq of the last record known to be durable
	maxBody     = 64 << 10
	segmentSize = 16 << 20
	roomSize    = 1 << 20 // that a file has more than it needs
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendFrame(b []byte, seq, synced uint64, body []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 0, 0, 0, 0, 0), seq)
	b = append(binary.BigEndian.AppendUint64(b, synced), body...)
	binary.BigEndian.PutUint32(b[at:], uint32(len(body)))
	binary.BigEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+8:], castagnoli))
	return b
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("log-%016x", first))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type frame struct {
	seq, synced uint64
	body        []byte
}

// nextFrame reads the frame at the beginning of b. Its size is 0 where there is none.
func nextFrame(b []byte) (f frame, size int) {
	if len(b) < frameHead {
		return frame{}, 0
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxBody || uint64(len(b)) < frameHead+uint64(n) {
		return frame{}, 0
	}
	size = frameHead + int(n)
	if crc32.Checksum(b[8:size], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return frame{}, 0
	}
	return frame{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), b[frameHead:size]}, size
}
