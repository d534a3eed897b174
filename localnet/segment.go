package localnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// A file of records, each [length of the payload, 4 bytes][CRC-32C of it, 4
// bytes][payload], little-endian. A record is written at once and synced, so that
// only the last can be torn.
type segment struct {
	file *os.File
	size int64
}

const recordHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn tells of a last record that was not written to its end.
var errTorn = errors.New("the last record is torn")

func (s *segment) append(payload []byte) error {
	if len(payload) > math.MaxUint32 {
		return fmt.Errorf("a record of %d bytes is too long", len(payload))
	}
	record := make([]byte, recordHead, recordHead+len(payload))
	binary.LittleEndian.PutUint32(record, uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(payload, castagnoli))
	record = append(record, payload...)
	_, err := s.file.WriteAt(record, s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil { // half a record must not stay where the next one will be
		return errors.Join(fmt.Errorf("write to %s: %w", s.file.Name(), err), s.file.Truncate(s.size))
	}
	s.size += int64(len(record))
	return nil
}

// cutTo forgets all records from an offset on.
func (s *segment) cutTo(offset int64) error {
	if err := s.file.Truncate(offset); err != nil {
		return fmt.Errorf("cut %s: %w", s.file.Name(), err)
	}
	s.size = offset
	return s.file.Sync()
}

// openSegment opens or makes a file and reads its records. A torn last record is
// cut off and counted as never written.
func openSegment(name string, read func(offset int64, payload []byte) error) (s *segment, torn bool, err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, err
	}
	s = &segment{file: file}
	err = s.read(read)
	if errors.Is(err, errTorn) {
		torn, err = true, s.cutTo(s.size)
	}
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return s, torn, nil
}

// read hands out every record and leaves size behind the last good one.
func (s *segment) read(each func(offset int64, payload []byte) error) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	for s.size < end {
		payload, err := s.record(end)
		if err != nil {
			return err
		}
		if err = each(s.size, payload); err != nil {
			return fmt.Errorf("record at byte %d: %w", s.size, err)
		}
		s.size += recordHead + int64(len(payload))
	}
	return nil
}

// record reads the one at size. One that reaches the end of the file or beyond
// may be torn; one with others behind it can only be damaged.
func (s *segment) record(end int64) ([]byte, error) {
	var head [recordHead]byte
	if _, err := s.file.ReadAt(head[:], s.size); errors.Is(err, io.EOF) {
		return nil, errTorn
	} else if err != nil {
		return nil, err
	}
	length, sum := int64(binary.LittleEndian.Uint32(head[:])), binary.LittleEndian.Uint32(head[4:])
	if length == 0 || s.size+recordHead+length > end {
		return nil, errTorn
	}
	payload := make([]byte, length)
	if _, err := s.file.ReadAt(payload, s.size+recordHead); err != nil {
		return nil, err
	}
	if crc32.Checksum(payload, castagnoli) == sum {
		return payload, nil
	}
	if s.size+recordHead+length == end {
		return nil, errTorn
	}
	return nil, fmt.Errorf("record at byte %d is damaged: its checksum is wrong and other records follow", s.size)
}

// Kinds of records.
const (
	recordZero       = 'z' // zerostates: of the basechain, of the masterchain
	recordKey        = 'k' // a key block, its signature
	recordCheckpoint = 'c' // for each newest block, the masterchain's last: block, state; then the signature
	recordRound      = 'r' // the blocks of a round, the masterchain's last, and its signature
)

// pack makes the payload of a record: its kind, then each part after its length.
func pack(kind byte, parts ...[]byte) []byte {
	payload := []byte{kind}
	for _, p := range parts {
		payload = binary.AppendUvarint(payload, uint64(len(p)))
		payload = append(payload, p...)
	}
	return payload
}

var errRecord = errors.New("not a record of this program")

func unpack(payload []byte) (kind byte, parts [][]byte, err error) {
	if len(payload) == 0 {
		return 0, nil, errRecord
	}
	for rest := payload[1:]; len(rest) > 0; {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return 0, nil, errRecord
		}
		parts, rest = append(parts, rest[n:n+int(length)]), rest[n+int(length):]
	}
	return payload[0], parts, nil
}
