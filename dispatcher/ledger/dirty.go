package ledger

import (
	"encoding/json"

	"github.com/cocoon-network/cocoon"
)

// dirty is what the tables do not have yet.
type dirty struct {
	channels       map[cocoon.Account]bool
	requests       map[ID]bool
	boots          map[boot]bool
	workers        map[worker]bool
	claims         map[claimKey]bool
	receipts       map[receiptKey]*receiptRow
	agreed         map[receiptKey]cocoon.Nano
	answered       map[ID]bool
	contradictions map[receiptKey]*contradicted
}

type claimKey struct {
	number   uint32
	provider cocoon.Account
}

type receiptKey struct {
	boot
	number uint32
}

type receiptRow struct {
	Request ID
	Raw     []byte
	Void    string
	At      int64
}

func newDirty() dirty {
	return dirty{map[cocoon.Account]bool{}, map[ID]bool{}, map[boot]bool{}, map[worker]bool{}, map[claimKey]bool{}, map[receiptKey]*receiptRow{},
		map[receiptKey]cocoon.Nano{}, map[ID]bool{}, map[receiptKey]*contradicted{}}
}

// snapshot is what is to be written at once: rows as they were behind the record seq.
type snapshot struct {
	seq      uint64
	books    []byte
	channels map[cocoon.Account][]byte // nil where there is none any more
	requests map[ID][]byte             // likewise
	workers  map[worker][]byte
	boots    map[boot]session
	claims   map[claimKey]claim
	rest     dirty
}

// snapshot takes what is dirty; until forget, receipts are still found in memory.
func (s *state) snapshot(seq uint64) (*snapshot, error) {
	d := s.dirty
	s.dirty, s.writing = newDirty(), d
	n := &snapshot{seq, nil, map[cocoon.Account][]byte{}, map[ID][]byte{}, map[worker][]byte{}, map[boot]session{}, map[claimKey]claim{}, d}
	var err error
	encode := func(v any) (b []byte) {
		if err == nil {
			b, err = json.Marshal(v)
		}
		return b
	}
	n.books = encode(s.books)
	for account := range d.channels {
		if n.channels[account] = nil; s.channels[account] != nil {
			n.channels[account] = encode(s.channels[account])
		}
	}
	for id := range d.requests {
		if n.requests[id] = nil; s.requests[id] != nil {
			n.requests[id] = encode(s.requests[id])
		}
	}
	for w := range d.workers {
		n.workers[w] = encode(s.workers[w])
	}
	for b := range d.boots {
		n.boots[b] = session{Ack: s.boots[b].Ack, Certificate: s.boots[b].Certificate, Until: s.boots[b].Until}
	}
	for key := range d.claims {
		if of := s.numbers[key.number]; of != nil { // else it has passed
			n.claims[key] = *of.claims[key.provider]
		}
	}
	return n, err
}

// forget says that the last snapshot was written.
func (s *state) forget() { s.writing = newDirty() }

// answered reports whether a request was just settled with its client.
func (s *state) answered(id ID) bool { return s.dirty.answered[id] || s.writing.answered[id] }

// receipt is one that the tables may not have yet, else nil.
func (s *state) receipt(key receiptKey) *receiptRow {
	if row := s.dirty.receipts[key]; row != nil {
		return row
	}
	return s.writing.receipts[key]
}
