package money

import (
	"time"
)

// recall is what the records say together. Requests that were open when the
// process before ended stay so until a receipt or their time is over.
func (l *Ledger) recall(records []record) {
	for _, r := range records {
		l.session, l.ceiling, l.used = r.session, r.ceiling, r.used
		switch r.event {
		case started:
			l.put(r.request, reserve{r.route, r.amount, r.at})
		case agreed:
			l.drop(r.request)
			l.done[r.request] = deal{r.amount, r.at}
		}
	}
}

// forget drops what is too old for anybody to ask about.
func (l *Ledger) forget() {
	old := l.now() - uint32(memory/time.Second)
	for id, r := range l.open {
		if r.at < old {
			l.drop(id)
		}
	}
	for id, d := range l.done {
		if d.at < old {
			delete(l.done, id)
		}
	}
}

// mostRecords is how long a journal gets before it is written anew.
const mostRecords = 1 << 16

// rewrite begins a new journal with what is still of use.
func (l *Ledger) rewrite() error {
	records := []record{l.record(stepped)}
	for id, r := range l.open {
		rec := l.record(started)
		rec.request, rec.route, rec.amount, rec.at = id, r.route, r.amount, r.at
		records = append(records, rec)
	}
	for id, d := range l.done {
		rec := l.record(agreed)
		rec.request, rec.amount, rec.at = id, d.cost, d.at
		records = append(records, rec)
	}
	j, err := newJournal(l.path(), records)
	if err != nil {
		return err
	}
	if l.journal != nil {
		err = l.journal.retire()
	}
	l.journal = j
	return err
}

// record is one with the books as they are.
func (l *Ledger) record(e event) record {
	return record{event: e, session: l.session, ceiling: l.ceiling, used: l.used, at: l.now()}
}
