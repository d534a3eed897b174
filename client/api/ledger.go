package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Entry is a line of the usage ledger: who asked which model, when, and what
// became of it. It holds nothing of prompts and answers.
type Entry struct {
	Event    string       `json:"event"` // open, raise, close; or carry: what a key had spent before this file
	ID       string       `json:"id,omitempty"`
	At       time.Time    `json:"at,omitzero"`
	Key      string       `json:"key,omitempty"` // its id
	Endpoint string       `json:"endpoint,omitempty"`
	Model    string       `json:"model,omitempty"`
	Reserve  cocoon.Nano  `json:"reserve_nano,omitzero"` // set aside while it is open
	Cost     cocoon.Nano  `json:"cost_nano,omitzero"`
	Usage    cocoon.Usage `json:"usage,omitzero"`
	Request  string       `json:"request,omitempty"` // id on the network
	Worker   string       `json:"worker,omitempty"`
	Attempts int          `json:"attempts,omitempty"`
	Outcome  string       `json:"outcome,omitempty"` // ok, an error's code, or lost: the daemon died, its reserve counts as spent
}

const (
	eventOpen, eventRaise, eventClose, eventCarry = "open", "raise", "close", "carry"
	outcomeOK, outcomeLost                        = "ok", "lost"

	ledgerFile = "usage-" + time.DateOnly + ".jsonl"
	ledgerGlob = "usage-????-??-??.jsonl"
)

// ledger is a folder of append-only files, one a UTC day; each begins with what
// the days before come to, so that only the newest is read again. A line is
// written at once: it survives the process, though not the machine's power.
type ledger struct {
	dir  string
	file *os.File
	name string
	size int64 // bytes of whole lines

	open  map[string]Entry       // by id
	spent map[string]cocoon.Nano // by key, ever
	today map[string]cocoon.Nano // by key, in this file's day
}

// openLedger reads the newest file. What was open when the daemon died is closed
// at its reserve: a budget holds even so.
func openLedger(dir string, now time.Time) (*ledger, error) {
	l := &ledger{dir: dir, open: map[string]Entry{}, spent: map[string]cocoon.Nano{}, today: map[string]cocoon.Nano{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the usage ledger: %w", err)
	}
	files, err := ledgerFiles(dir)
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		if err = l.resume(files[len(files)-1]); err != nil {
			return nil, errors.Join(fmt.Errorf("open the usage ledger: %w", err), l.close())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.open)) {
		e := l.open[id]
		e.Event, e.At, e.Cost, e.Outcome = eventClose, now, e.Reserve, outcomeLost
		if err = l.append(e); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

func ledgerFiles(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, ledgerGlob)) // sorted: by day
	if err != nil {
		return nil, fmt.Errorf("read the usage ledger: %w", err)
	}
	return files, nil
}

// resume reads a file and cuts off what was not written to its end.
func (l *ledger) resume(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.file, l.name = f, filepath.Base(path)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte{'\n'}) {
			break
		}
		var e Entry
		if err = json.Unmarshal(line, &e); err != nil {
			return cocoon.WithHint(cocoon.Conflict.Errorf("%s is damaged at byte %d", path, l.size), "move it away: budgets begin anew")
		}
		if err = l.count(e); err != nil {
			return err
		}
		l.size += int64(len(line))
	}
	return f.Truncate(l.size)
}

// count adds e to the sums. A request is closed once, whatever the file says.
func (l *ledger) count(e Entry) (err error) {
	was, open := l.open[e.ID]
	switch {
	case e.Event == eventCarry:
		l.spent[e.Key] = e.Cost
	case e.Event == eventOpen:
		l.open[e.ID] = e
	case e.Event == eventRaise && open:
		was.Reserve = e.Reserve
		l.open[e.ID] = was
	case e.Event == eventClose && open:
		delete(l.open, e.ID)
		if l.spent[e.Key], err = l.spent[e.Key].Add(e.Cost); err == nil {
			l.today[e.Key], err = l.today[e.Key].Add(e.Cost)
		}
	}
	return err
}

// append writes e and counts it. Where it could not be written only an end
// counts: on disk that request stays open, and costs its reserve after a restart.
func (l *ledger) append(e Entry) error {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	err := l.write(e)
	if err == nil || e.Event == eventClose {
		err = errors.Join(err, l.count(e))
	}
	return err
}

// write adds a line. One that did not fit on the disk is taken back.
func (l *ledger) write(e Entry) error {
	if err := l.turn(e.At); err != nil {
		return ledgerError(err)
	}
	line := append(marshal(e), '\n')
	if _, err := l.file.Write(line); err != nil {
		return ledgerError(errors.Join(err, l.file.Truncate(l.size)))
	}
	l.size += int64(len(line))
	return nil
}

func ledgerError(err error) error {
	return cocoon.WithHint(fmt.Errorf("write the usage ledger: %w", err), "is the disk full?")
}

// turn begins the file of now's day where it is a new one. A clock that goes
// back changes nothing.
func (l *ledger) turn(now time.Time) error {
	name := now.UTC().Format(ledgerFile)
	if name <= l.name {
		return nil
	}
	var head []byte
	for _, key := range slices.Sorted(maps.Keys(l.spent)) {
		head = append(append(head, marshal(Entry{Event: eventCarry, Key: key, Cost: l.spent[key]})...), '\n')
	}
	for _, id := range slices.Sorted(maps.Keys(l.open)) {
		head = append(append(head, marshal(l.open[id])...), '\n')
	}
	path := filepath.Join(l.dir, name)
	if err := writeWhole(path, head); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	err = l.close()
	l.file, l.name, l.size = f, name, int64(len(head))
	clear(l.today)
	return err
}

// close makes what was written last, and closes the file.
func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return errors.Join(f.Sync(), f.Close())
}

// Usage reads the closed requests of a ledger's folder, oldest first. It may be
// read while a daemon writes.
func Usage(dir string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		files, err := ledgerFiles(dir)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for _, path := range files {
			content, err := os.ReadFile(path)
			if err != nil {
				yield(Entry{}, fmt.Errorf("read the usage ledger: %w", err))
				return
			}
			for line := range bytes.Lines(content) {
				var e Entry
				if json.Unmarshal(line, &e) != nil || e.Event != eventClose {
					continue
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
