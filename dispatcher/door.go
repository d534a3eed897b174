package dispatcher

import (
	"crypto/ed25519"
	"encoding/base64"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// door decides who may connect: ourselves, active workers that prove their
// on-chain key, and daemons that prove the key of a channel that pays us. The
// newest run of a worker replaces the one before; a channel's sessions are the
// ledger's to tell apart.
type door struct {
	self    string // our own user key, drawn at start
	watcher string // another of ours, that hears from the server who is gone
	roster  *roster
	daemons *daemons
	others  *strangers
	log     *slog.Logger
	kick    func(id uint64) error
	system  func() *server.Account // the server's own

	mu     sync.Mutex
	inside map[bus.ID]uint64 // connection of each worker
	owners map[uint64]bus.ID // of connections that are open
}

func newDoor(self, watcher string, r *roster, c *daemons, others *strangers, log *slog.Logger) *door {
	return &door{self: self, watcher: watcher, roster: r, daemons: c, others: others, log: log, inside: map[bus.ID]uint64{}, owners: map[uint64]bus.ID{}}
}

// answerTime is how long a worker may take to answer a request of ours.
const answerTime = 5 * time.Minute

// Check admits a connection, with the subjects that belong to it.
func (d *door) Check(c server.ClientAuthentication) bool {
	user, sig, nonce := c.GetOpts().Nkey, c.GetOpts().Sig, c.GetNonce()
	if user == d.self {
		return signedBySelf(user, sig, nonce)
	}
	if user == d.watcher && signedBySelf(user, sig, nonce) {
		c.RegisterUser(&server.User{Username: user, Account: d.system()})
		return true
	}
	if !d.others.may(c.RemoteAddress()) {
		return false
	}
	w, err := bus.VerifyLogin(user, sig, nonce)
	if err == nil && d.admits(w, c) {
		d.others.welcome(c.RemoteAddress())
		return true
	}
	d.others.refused(c.RemoteAddress())
	if err == nil {
		err = cocoon.Forbidden.Errorf("%s is neither an active worker nor the key of a channel", w)
	}
	d.log.Info("login refused", "address", c.RemoteAddress(), "error", err)
	return false
}

// admits lets in who has proven to be w, if that is a daemon or an active worker.
func (d *door) admits(w bus.ID, c server.ClientAuthentication) bool {
	if d.daemons.enter([32]byte(w), c.GetID()) {
		publish, subscribe := stream.DaemonPermissions([32]byte(w))
		c.RegisterUser(&server.User{Username: w.String(), Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe}}})
		return true
	}
	d.enter(w, c.GetID())
	if !d.roster.active(w) { // asked after entering: one that retires from here on is expelled
		d.leave(w, c.GetID())
		return false
	}
	publish, subscribe := bus.Permissions(w)
	c.RegisterUser(&server.User{Username: w.String(), Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: subscribe},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: answerTime},
	}})
	return true
}

// enter notes the worker's connection and ends the one it had.
func (d *door) enter(w bus.ID, connection uint64) {
	d.mu.Lock()
	before, had := d.inside[w]
	d.inside[w], d.owners[connection] = connection, w
	d.mu.Unlock()
	if had {
		go d.kick(before) //nolint:errcheck // it may have left by itself; the server holds locks here, so not at once
	}
}

func (d *door) leave(w bus.ID, connection uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.owners, connection)
	if d.inside[w] == connection {
		delete(d.inside, w)
	}
}

// closed notes that a connection is no more, and returns the worker whose it was.
func (d *door) closed(connection uint64) (w bus.ID, worker bool) {
	d.mu.Lock()
	w, worker = d.owners[connection]
	d.mu.Unlock()
	if worker {
		d.leave(w, connection)
	}
	return w, worker
}

// here reports whether a worker is connected.
func (d *door) here(w bus.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, is := d.inside[w]
	return is
}

// expel ends the worker's connection.
func (d *door) expel(w bus.ID) {
	d.mu.Lock()
	connection, had := d.inside[w]
	delete(d.inside, w)
	d.mu.Unlock()
	if had && d.kick(connection) == nil {
		d.log.Info("worker disconnected: it is no longer active", "worker", w)
	}
}

func signedBySelf(user, sig string, nonce []byte) bool {
	raw, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(user))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(sig, "="))
	return err == nil && ed25519.Verify(raw, nonce, signature)
}

// daemons are the keys that speak for channels that pay us, and who came with them.
type daemons struct {
	mu       sync.Mutex
	channels map[[32]byte]cocoon.Account // by key
	inside   map[uint64][32]byte         // keys, by connections that were there when somebody last looked
}

// tell replaces the keys of a channel; a closed one has none.
func (d *daemons) tell(c ledger.Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.channels == nil {
		d.channels = map[[32]byte]cocoon.Account{}
	}
	maps.DeleteFunc(d.channels, func(_ [32]byte, a cocoon.Account) bool { return a == c.Account })
	if c.Closed {
		return
	}
	d.channels[[32]byte(c.Key)] = c.Account
	if c.PreviousUntil > 0 {
		d.channels[[32]byte(c.Previous)] = c.Account
	}
}

// enter notes a connection, if its key is a channel's.
func (d *daemons) enter(key [32]byte, connection uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, known := d.channels[key]
	if known {
		if d.inside == nil {
			d.inside = map[uint64][32]byte{}
		}
		d.inside[connection] = key
	}
	return known
}

// present are the channels whose client has a connection that is up: the server
// ends those that answer no ping. It has locks of its own, and asks us under some.
func (d *daemons) present(up func(connection uint64) bool) (all []cocoon.Account) {
	d.mu.Lock()
	inside := maps.Clone(d.inside)
	d.mu.Unlock()
	gone := maps.Clone(inside)
	maps.DeleteFunc(gone, func(connection uint64, _ [32]byte) bool { return up(connection) })
	d.mu.Lock()
	defer d.mu.Unlock()
	for connection, key := range inside {
		if _, is := gone[connection]; is {
			delete(d.inside, connection)
		} else if channel, known := d.channels[key]; known {
			all = append(all, channel)
		}
	}
	return all
}
