package dispatcher

import (
	"maps"
	"slices"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// desk is where the client of one job and the search for its worker meet. It
// lives in memory: after a restart both come back to it.
type desk struct {
	mu       sync.Mutex
	changed  chan struct{} // closed at the next change
	clients  int           // questions held open
	intent   *bus.Intent   // waits for the client's grant
	grant    *bus.Grant    // waits for the search
	declined bool          // the client will not grant to the intent's worker
	matching bool          // a search goes on
}

type desks struct {
	mu    sync.Mutex
	byJob map[cocoon.Account]*desk
}

// of is the desk of a job, set up where there is none.
func (d *desks) of(a cocoon.Account) *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.byJob[a]
	if k == nil {
		k = &desk{changed: make(chan struct{})}
		d.byJob[a] = k
	}
	return k
}

// close takes the desk away; who still waits at it is told.
func (d *desks) close(a cocoon.Account) {
	d.mu.Lock()
	k := d.byJob[a]
	delete(d.byJob, a)
	d.mu.Unlock()
	if k != nil {
		k.update(func() {})
	}
}

// update changes the desk by f and tells everyone at it.
func (k *desk) update(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	close(k.changed)
	k.changed = make(chan struct{})
}

// look reads the desk by f and returns what is closed at its next change.
func (k *desk) look(f func()) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	return k.changed
}

// show puts up an intent, or takes it down with nil; an older grant is void.
func (k *desk) show(i *bus.Intent) {
	k.update(func() { k.intent, k.grant, k.declined = i, nil, false })
}

// decline ends the wait for a grant to a worker that will get none.
func (k *desk) decline(wont func(bus.ID) bool) {
	k.update(func() {
		if k.intent != nil && k.grant == nil && wont(k.intent.Certificate.Worker) {
			k.declined = true
		}
	})
}

// take gives the client's grant to the search. It is Conflict where no intent
// waits, and where the grant was made for another run.
func (k *desk) take(g bus.Grant, worker bus.ID, boot bus.Boot) error {
	err := error(nil)
	k.update(func() {
		switch {
		case k.intent == nil || k.grant != nil:
			err = cocoon.Conflict.Errorf("no worker waits for a grant now")
		case k.intent.Certificate.Worker != worker || k.intent.Certificate.Boot != boot:
			err = cocoon.Conflict.Errorf("another worker waits for a grant by now")
		default:
			k.grant = &g
		}
	})
	return err
}

// pulse tells everyone at every desk that a block came.
func (d *desks) pulse() {
	d.mu.Lock()
	all := slices.Collect(maps.Values(d.byJob))
	d.mu.Unlock()
	for _, k := range all {
		k.update(func() {})
	}
}
