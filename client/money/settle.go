package money

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Agree ends a request at a cost by the client's own count: what Paid signs from then
// on pays it. No request costs more than was set aside for it: what it costs is
// returned. Asked again, it answers the same; of a request that it does not know,
// Conflict.
func (l *Ledger) Agree(id stream.RequestID, cost cocoon.Nano) (cocoon.Nano, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ended := l.done[id]
	if ended {
		return d.cost, nil
	}
	d, err := l.end(id, cost)
	return d.cost, err
}

func (l *Ledger) end(id stream.RequestID, cost cocoon.Nano) (deal, error) {
	r, ok := l.open[id]
	if !ok {
		return deal{}, cocoon.Conflict.Errorf("request %s is not one of ours that is open", id)
	}
	d := deal{cost.Min(r.amount), l.now()}
	rec := l.record(agreed)
	rec.request, rec.amount = id, d.cost
	rec.used = l.used.Plus(d.cost)
	if err := l.write(rec); err != nil {
		return deal{}, err
	}
	l.used = rec.used
	l.minute.spend(l.cfg.Now(), d.cost)
	l.drop(id)
	l.done[id] = d
	l.wake()
	if l.journal.written.Load() < mostRecords {
		return d, nil
	}
	l.forget()
	if err := l.rewrite(); err != nil {
		l.broken = err
		return deal{}, err
	}
	return d, nil
}

// Lost is what is known of a request that a process before this one began: its
// route's hash, and the most it may cost.
func (l *Ledger) Lost(id stream.RequestID) (route [32]byte, most cocoon.Nano, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.open[id]
	return r.route, r.amount, ok
}

// Ended is what a request came to that has ended already.
func (l *Ledger) Ended(id stream.RequestID) (cost cocoon.Nano, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.done[id]
	return d.cost, ok
}

// NextSession is a session number larger than every one before, on disk: the time
// in nanoseconds, so that of two daemons with one key the later goes on.
func (l *Ledger) NextSession() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec := l.record(stepped)
	rec.session = max(l.session+1, uint64(max(0, l.cfg.Now().UnixNano())))
	if err := l.write(rec); err != nil {
		return 0, err
	}
	if err := l.journal.sync(l.journal.written.Load()); err != nil {
		l.broken = err
		return 0, err
	}
	l.session = rec.session
	return l.session, nil
}

// Learn compares what a dispatcher says of the channel with what was signed. A
// lower figure is its loss, and is shown to it again; a higher one it cannot
// have, and is Forbidden.
func (l *Ledger) Learn(s stream.State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, claim := range []struct {
		what         string
		claims, most cocoon.Nano
	}{{"holding a voucher over", s.Cover, l.ceiling}, {"being paid", s.Paid, l.used}, {"an agreed use of", s.Used, l.used}} {
		if claim.claims.Cmp(claim.most) > 0 {
			return cocoon.WithHint(cocoon.Forbidden.Errorf("the dispatcher of channel %s claims %s %s, at most %s is true", l.cfg.Channel, claim.what, claim.claims, claim.most),
				"unless the data folder is a restored copy, the dispatcher lies: close the channel")
		}
	}
	if s.Session > l.session { // a lower one was said before we began this
		return cocoon.Conflict.Errorf("channel %s is in session %d, not %d: another daemon uses it", l.cfg.Channel, s.Session, l.session)
	}
	return nil
}

// SetDeposit tells what the contract can pay, since its birth: proven.
func (l *Ledger) SetDeposit(n cocoon.Nano) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n != l.deposit {
		l.deposit = n
		l.cover = voucher.Signed{}
		l.wake()
	}
}

// Figures are a channel's books at one moment, in nanoTON since its birth.
type Figures struct {
	Used     cocoon.Nano `json:"used_nano"`     // U
	Reserved cocoon.Nano `json:"reserved_nano"` // R
	Ceiling  cocoon.Nano `json:"ceiling_nano"`  // no voucher is above it
	Deposit  cocoon.Nano `json:"deposit_nano"`  // D
	Bound    cocoon.Nano `json:"bound_nano"`    // P
	Open     int         `json:"open"`          // requests
	Session  uint64      `json:"session"`
}

// Figures are the books now.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Figures{l.used, l.sum, l.ceiling, l.deposit, l.minute.bound(l.cfg.Now()), len(l.open), l.session}
}

// Paid is a voucher that pays all that was agreed so far. That is on disk when Paid
// returns: nothing is paid that is forgotten.
func (l *Ledger) Paid() (paid voucher.Signed, err error) {
	l.mu.Lock()
	err = l.sign(&paid, l.used)
	j := l.journal
	n := j.written.Load()
	l.mu.Unlock()
	if err == nil {
		err = j.sync(n)
	}
	return paid, err
}
