package money

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/durable"
)

// journal is the file of a Ledger: records of one size, of which the last says
// how much may be signed and how much was agreed. A record is in the system's
// hands once append returns, and so outlives this process; it is on disk, and
// outlives the machine's power, once sync returns.
type journal struct {
	file    *os.File
	written atomic.Uint64 // records
	syncing sync.Mutex
	synced  uint64 // records
}

type event uint8

const (
	stepped event = iota + 1 // the ceiling, or the session, was raised
	started                  // a request; amount is the most it may cost
	agreed                   // on what a request cost: amount
)

// record is one line of a journal.
type record struct {
	event   event
	session uint64
	ceiling cocoon.Nano // nothing above it was signed
	used    cocoon.Nano // agreed in all
	request [16]byte
	route   [32]byte
	amount  cocoon.Nano
	at      uint32 // unix seconds
}

const recordSize = 1 + 8 + 3*cocoon.NanoSize + 16 + 32 + 4 + crc32.Size

var table = crc32.MakeTable(crc32.Castagnoli)

func (r record) bytes() []byte {
	b := append(make([]byte, 0, recordSize), byte(r.event))
	b = binary.BigEndian.AppendUint64(b, r.session)
	for _, n := range [...]cocoon.Nano{r.ceiling, r.used, r.amount} {
		b = n.AppendBytes(b)
	}
	b = append(append(b, r.request[:]...), r.route[:]...)
	b = binary.BigEndian.AppendUint32(b, r.at)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, table))
}

// parseRecord reads what bytes wrote; ok is false for anything else.
func parseRecord(b []byte) (r record, ok bool) {
	body := b[:recordSize-crc32.Size]
	if crc32.Checksum(body, table) != binary.BigEndian.Uint32(b[len(body):]) {
		return r, false
	}
	r.event, r.session = event(body[0]), binary.BigEndian.Uint64(body[1:])
	rest := body[9:]
	for _, n := range []*cocoon.Nano{&r.ceiling, &r.used, &r.amount} {
		*n, rest = cocoon.NanoFromBytes([cocoon.NanoSize]byte(rest)), rest[cocoon.NanoSize:]
	}
	rest = rest[copy(r.request[:], rest):]
	rest = rest[copy(r.route[:], rest):]
	r.at = binary.BigEndian.Uint32(rest)
	return r, r.event >= stepped && r.event <= agreed
}

// readJournal is what a journal holds, up to a record that a crash cut. NotExist
// is an empty one.
func readJournal(path string) (records []record, err error) {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the channel's journal: %w", err)
	}
	for ; len(raw) >= recordSize; raw = raw[recordSize:] {
		r, ok := parseRecord(raw[:recordSize])
		if !ok {
			if len(raw) >= 2*recordSize {
				return nil, cocoon.WithHint(cocoon.Invalid.Errorf("the journal %s is damaged in its middle", path), "close the channel and open another one")
			}
			break
		}
		records = append(records, r)
	}
	return records, nil
}

// newJournal replaces the file at path by records, and goes on with that.
func newJournal(path string, records []record) (*journal, error) {
	var raw []byte
	for _, r := range records {
		raw = append(raw, r.bytes()...)
	}
	err := durable.Replace(path, raw)
	if err != nil {
		return nil, cocoon.WithHint(fmt.Errorf("write the channel's journal: %w", err), "is the disk full?")
	}
	j := &journal{synced: uint64(len(records))}
	j.written.Store(j.synced)
	if j.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, fmt.Errorf("open the channel's journal: %w", err)
	}
	return j, nil
}

// retire closes the file after another took all that it held to disk.
func (j *journal) retire() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.synced = math.MaxUint64
	return j.file.Close()
}

// append is called by one at a time.
func (j *journal) append(r record) error {
	n, err := j.file.Write(r.bytes())
	if err == nil && n < recordSize {
		err = io.ErrShortWrite
	}
	if err == nil {
		j.written.Add(1)
	}
	return err
}

// sync returns once the first n records are on disk. Of those that wait at a
// time one does the work for all.
func (j *journal) sync(n uint64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= n {
		return nil
	}
	upTo := j.written.Load()
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write the channel's journal: %w", err)
	}
	j.synced = upTo
	return nil
}
