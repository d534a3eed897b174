package answer

import (
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// maxOpen bounds the receipts of one dispatcher that wait for it, cheap ones too.
const maxOpen = 1024

// bills are the receipts of this run: numbered for each dispatcher, and shown to
// it until it has them on disk. A run that ends takes them with it: the next one
// has another boot and numbers of its own.
type bills struct {
	cfg     Config
	scope   receipt.Scope // without dispatcher and number
	sign    func(receipt.Usage) (receipt.SignedUsage, error)
	send    func(subject string, raw []byte) error
	clock   func() time.Time
	settled chan struct{} // poked when some were acknowledged

	mu    sync.Mutex
	by    map[cocoon.Account]*tab
	alone *time.Timer // shows what no frames went with; nil where nothing waits
}

// tab is what one dispatcher has had.
type tab struct {
	node   string      // that was heard last
	number uint32      // of the newest receipt
	shown  uint32      // the newest that was sent; older ones were too
	open   []*bill     // ascending
	owed   cocoon.Nano // by open
	minute [60]second  // acknowledged of late
	debt   debt        // acknowledged, and not promised
}

// second is what was acknowledged within one.
type second struct {
	at   int64 // unix
	cost cocoon.Nano
}

// bill is a receipt that was not acknowledged.
type bill struct {
	number uint32
	cost   cocoon.Nano
	raw    []byte
	ready  bool      // its frames were sent
	sent   time.Time // zero before
}

// tab is a dispatcher's, with what runs before this one were not promised. b.mu is held.
func (b *bills) tab(rewards cocoon.Account) (*tab, error) {
	if t := b.by[rewards]; t != nil {
		return t, nil
	}
	d, err := readDebt(filepath.Join(b.cfg.Data, "acknowledged", hex.EncodeToString(rewards[:])))
	if err != nil {
		return nil, err
	}
	b.by[rewards] = &tab{debt: d}
	return b.by[rewards], nil
}

// mayOwe reports why no more work is done for a dispatcher: it has acknowledged too
// little of what was done, or promised too little of what it acknowledged, which
// alone is worth nothing on chain.
func (b *bills) mayOwe(rewards cocoon.Account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.tab(rewards)
	if err != nil {
		return err
	}
	limit := bound.Credit(t.earned(b.clock()))
	if t.owed.Plus(t.debt.left).Cmp(limit) <= 0 && len(t.open) < maxOpen {
		return nil
	}
	return cocoon.Conflict.Errorf("%d receipts over %s are not acknowledged, and %s of those that were are not signed for: the limit is %s", len(t.open), t.owed, t.debt.left, limit)
}

// rest is what a dispatcher has to promise at least of what it acknowledges.
func (b *bills) rest(n cocoon.Nano) cocoon.Nano { return bound.Fees(b.cfg.MaxFee).Rest(n) }

// promised notes that a dispatcher signed for so much more. What the provider's other
// workers did is in there as well, since one receipt is for all.
func (b *bills) promised(rewards cocoon.Account, more cocoon.Nano) error {
	if more.IsZero() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.tab(rewards)
	if err != nil {
		return err
	}
	return t.debt.promised(more, b.rest(t.owed))
}

// heard notes the node that a dispatcher spoke through.
func (b *bills) heard(rewards cocoon.Account, node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, err := b.tab(rewards); err == nil { // else nothing is done for it
		t.node = node
	}
}

// close closes the files.
func (b *bills) close() (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.by {
		err = errors.Join(err, t.debt.close())
	}
	return err
}

// write makes the receipt of an attempt, which is shown once it is ready.
func (b *bills) write(rewards cocoon.Account, c receipt.Content) (*bill, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.tab(rewards)
	if err != nil {
		return nil, err
	}
	scope := b.scope
	scope.Rewards, scope.Number = rewards, t.number+1
	signed, err := b.sign(receipt.Usage{Scope: scope, Content: c})
	if err != nil {
		return nil, err
	}
	owed, err := t.owed.Add(c.Cost)
	if err != nil {
		return nil, err
	}
	r := &bill{number: scope.Number, cost: c.Cost, raw: signed.Bytes()}
	t.number, t.owed, t.open = scope.Number, owed, append(t.open, r)
	return r, nil
}

// ready has a receipt shown: with the next frames that go, or alone after wait.
func (b *bills) ready(r *bill, wait time.Duration) {
	b.mu.Lock()
	r.ready = true
	if wait > 0 && b.alone == nil {
		b.alone = time.AfterFunc(wait, b.show)
	}
	b.mu.Unlock()
	if wait == 0 {
		b.show()
	}
}

// show sends what is due: never sent, or not acknowledged for long.
func (b *bills) show() {
	for due := b.due(time.Now(), ""); len(due) > 0; due = due[1:] {
		if b.send(stream.FromWorker(due[0].node, b.scope.Worker, stream.ReceiptVerb), due[0].raw) != nil {
			b.unsent(due)
			return
		}
	}
}

// unsent is of bills that nobody listened to: they are sent later.
func (b *bills) unsent(some []dueBill) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range some {
		d.sent = time.Time{}
	}
}

// dueBill is a bill and where to.
type dueBill struct {
	*bill
	node string
}

// due are the bills to be sent to a node now, or to all where it is "". They count as
// sent.
func (b *bills) due(now time.Time, node string) (due []dueBill) {
	b.mu.Lock()
	defer b.mu.Unlock()
	others := false
	for _, t := range b.by {
		if node != "" && t.node != node {
			others = true
			continue
		}
		for _, r := range t.open {
			if !r.ready { // later ones wait for it: who acknowledges one has those before
				break
			}
			if now.Sub(r.sent) >= b.cfg.Repeat {
				r.sent, t.shown = now, max(t.shown, r.number)
				due = append(due, dueBill{r, t.node})
			}
		}
	}
	if b.alone != nil && !others {
		b.alone.Stop()
		b.alone = nil
	}
	return due
}

// acked forgets what a dispatcher has on disk. Number 0 is nothing: what was earned
// before this run may come with it.
func (b *bills) acked(a stream.Ack) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.by[a.Rewards]
	if a.Boot == stream.Boot(b.scope.Boot) && a.Number == 0 {
		return nil
	}
	if a.Boot != stream.Boot(b.scope.Boot) || t == nil || a.Number > t.shown {
		return cocoon.Invalid.Errorf("dispatcher %s acknowledges receipt %d of boot %s, which it never had", a.Rewards, a.Number, a.Boot)
	}
	now, acked := b.clock().Unix(), cocoon.Nano{}
	t.open = slices.DeleteFunc(t.open, func(r *bill) bool {
		if r.number > a.Number {
			return false
		}
		t.settle(now, r.cost)
		acked = acked.Plus(b.rest(r.cost))
		return true
	})
	poke(b.settled)
	if acked.IsZero() {
		return nil
	}
	return t.debt.acked(acked)
}

// settle enters a bill as acknowledged.
func (t *tab) settle(now int64, cost cocoon.Nano) {
	if rest, err := t.owed.Sub(cost); err == nil { // always: owed is the sum of all that are open
		t.owed = rest
	}
	s := &t.minute[now%int64(len(t.minute))]
	if s.at != now {
		*s = second{at: now}
	}
	s.cost = s.cost.Plus(cost)
}

// earned is what was acknowledged in the last minute.
func (t *tab) earned(now time.Time) (all cocoon.Nano) {
	for _, s := range t.minute {
		if now.Unix()-s.at >= int64(len(t.minute)) {
			continue
		}
		all = all.Plus(s.cost)
	}
	return all
}

// open is how many receipts wait for their dispatcher.
func (b *bills) open() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.by {
		n += len(t.open)
	}
	return n
}
