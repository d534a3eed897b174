package ledger

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/durable"
)

// journal is the log: files named by the seq of their first record. Records
// that are appended together are written and synced together.
type journal struct {
	dir     string
	kick    chan struct{} // somebody waits
	writing sync.Mutex    // one sync at a time; guards file, size, room, first and spare
	file    *os.File
	size    int64    // of what was written
	room    int64    // of the file, with zeros at its end
	first   []uint64 // of each file, the last one is open
	spare   []byte   // the memory of the buffer that was written last

	mu          sync.Mutex
	seq, synced uint64
	buffer      []byte
	batch       *batch
	err         error // for good
}

// batch is what becomes durable at once; err may be read once done is closed.
type batch struct {
	done chan struct{}
	err  error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// beginJournal begins a log behind seq. All before is in the tables, so older
// files go, and go first: nobody may read their torn ends as part of the new one.
func beginJournal(dir string, seq uint64) (*journal, error) {
	old, err := segments(dir)
	if err != nil {
		return nil, err
	}
	for _, first := range old {
		if err = os.Remove(segmentPath(dir, first)); err != nil {
			return nil, err
		}
	}
	j := &journal{dir: dir, kick: make(chan struct{}, 1), seq: seq, synced: seq, batch: newBatch()}
	if err = syncDir(dir); err != nil {
		return nil, err
	}
	return j, j.begin(seq + 1)
}

func (j *journal) begin(first uint64) error {
	f, err := os.OpenFile(segmentPath(j.dir, first), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("begin a log: %w", err)
	}
	j.file, j.size, j.room, j.first = f, 0, 0, append(j.first, first)
	return syncDir(j.dir)
}

// append adds a record and returns the batch that it becomes durable with.
func (j *journal) append(body []byte) (*batch, error) {
	if len(body) > maxBody {
		return nil, cocoon.Invalid.Errorf("a record of %d bytes, not up to %d", len(body), maxBody)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	j.seq++
	j.buffer = appendFrame(j.buffer, j.seq, j.synced, body)
	return j.batch, nil
}

// pending is the batch with which all that was appended so far is durable.
func (j *journal) pending() *batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.batch
}

func (j *journal) last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// wait hurries b and waits for it. Who comes first syncs; run does for all who come
// meanwhile.
func (j *journal) wait(ctx context.Context, b *batch) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	if j.writing.TryLock() {
		defer j.writing.Unlock()
		return j.syncNow()
	}
	select {
	case j.kick <- struct{}{}:
	default: // it was told already
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run syncs when somebody waits who cannot, else every linger.
func (j *journal) run(ctx context.Context, linger time.Duration) error {
	tick := time.NewTicker(linger)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-j.kick:
		case <-tick.C:
		}
		if err := j.sync(); err != nil {
			return err
		}
	}
}

// sync makes durable what was appended. After a failure nobody knows what the
// disk holds, so it is the last one.
func (j *journal) sync() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.syncNow()
}

// syncNow is sync where writing is held.
func (j *journal) syncNow() error {
	j.mu.Lock()
	if j.err != nil {
		defer j.mu.Unlock()
		return j.err
	}
	buffer, seq, b := j.buffer, j.seq, j.batch
	j.buffer, j.batch = j.spare, newBatch()
	j.mu.Unlock()
	if len(buffer) > 0 {
		if err := j.write(buffer, seq); err != nil {
			b.err = j.fail(unwritable(err))
		}
	}
	j.spare = buffer[:0]
	if b.err == nil {
		j.mu.Lock()
		j.synced = seq
		j.mu.Unlock()
	}
	close(b.done)
	return b.err
}

func (j *journal) write(buffer []byte, seq uint64) error {
	err := j.reserve(int64(len(buffer)))
	if err == nil {
		_, err = j.file.WriteAt(buffer, j.size)
	}
	if err == nil {
		err = durable.SyncData(j.file)
	}
	if j.size += int64(len(buffer)); err == nil && j.size >= segmentSize {
		if err = j.file.Close(); err == nil {
			err = j.begin(seq + 1)
		}
	}
	return err
}

// reserve makes room for n bytes, and for what comes after them: where a write only
// replaces zeros the file is as it was but for them, and a sync is half the work.
func (j *journal) reserve(n int64) error {
	if j.size+n <= j.room {
		return nil
	}
	zeros := make([]byte, n+roomSize)
	if _, err := j.file.WriteAt(zeros, j.room); err != nil {
		return err
	}
	j.room += int64(len(zeros))
	return j.file.Sync()
}

// fail ends the journal and returns why: its first failure. Who waits is told.
func (j *journal) fail(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err, j.batch.err = err, err
		close(j.batch.done)
	}
	return j.err
}

// unwritable is a failure to write.
func unwritable(err error) error {
	return cocoon.WithHint(fmt.Errorf("the ledger cannot write: %w", err), "see that the disk has room and start again: nothing that was acknowledged is lost")
}

// trim removes files of which no record is behind seq.
func (j *journal) trim(seq uint64) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	for len(j.first) > 1 && j.first[1] <= seq+1 {
		if err := os.Remove(segmentPath(j.dir, j.first[0])); err != nil {
			return err
		}
		j.first = j.first[1:]
	}
	return nil
}

func (j *journal) close() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.file.Close()
}
