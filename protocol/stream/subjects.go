package stream

import (
	"encoding/hex"
	"strings"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// Verb is what a message asks for, the last part of its subject.
type Verb string

// From a daemon to a dispatcher's node, and what each carries and is answered with.
const (
	HelloVerb  Verb = "hello"  // Hello; State
	LeaseVerb  Verb = "lease"  // Lease; Leases
	KeysVerb   Verb = "keys"   // KeysOf; Keys. From a node to a worker it carries nothing
	ModelsVerb Verb = "models" // ModelsOf; Models
	StartVerb  Verb = "start"  // Start; nothing: what comes of it comes to EventsOf
	PartVerb   Verb = "part"   // Part; nothing. From a node to a worker as well: an empty answer, or Fail
	MoreVerb   Verb = "more"   // More; nothing
	SettleVerb Verb = "settle" // Settle; State
	CloseVerb  Verb = "close"  // Close; Promise
	CancelVerb Verb = "cancel" // Cancel; nothing. From a node to a worker as well
	ResumeVerb Verb = "resume" // Resume; nothing. From a node to a worker as well
)

// From a dispatcher's node to a run of a worker.
const (
	OrderVerb Verb = "order" // Order; Took
	SliceVerb Verb = "slice" // Slice; nothing
	AckVerb   Verb = "ack"   // Ack; nothing
	BookVerb  Verb = "book"  // receipt.SignedBook, every minute or two; nothing
)

// From a worker to a node: none is answered.
const (
	FrameVerb   Verb = "frame"   // frames, in a Bundle where they are several
	ReceiptVerb Verb = "receipt" // receipt.SignedUsage
)

// Home is the node that Hello goes to: any that has, or takes, the channel.
const Home = "home"

// FromDaemons is what a dispatcher's node subscribes to for one verb.
func FromDaemons(node string, v Verb) string { return "c." + node + ".*." + string(v) }

// ToNode is the subject of a daemon's message to a node; key is that of its channel.
func ToNode(node string, key [32]byte, v Verb) string {
	return "c." + node + "." + hex.EncodeToString(key[:]) + "." + string(v)
}

// EventsOf is where a daemon hears what becomes of its requests: Took, frames,
// Want, Final and Fail, those of one request in order, in a Bundle where they are several.
func EventsOf(key [32]byte) string { return "d." + hex.EncodeToString(key[:]) + ".events" }

// Inbox is where a daemon receives answers.
func Inbox(key [32]byte) string { return "d." + hex.EncodeToString(key[:]) + ".in" }

// DaemonPermissions are the subjects a daemon may publish and subscribe to.
func DaemonPermissions(key [32]byte) (publish, subscribe []string) {
	k := hex.EncodeToString(key[:])
	return []string{"c.*." + k + ".>"}, []string{"d." + k + ".>"}
}

// DaemonOf is the channel key that a subject of ToNode belongs to. The server's
// permissions vouch for it.
func DaemonOf(subject string) (key [32]byte, err error) {
	parts := strings.Split(subject, ".")
	if len(parts) == 4 && parts[0] == "c" && len(parts[2]) == hex.EncodedLen(len(key)) {
		if _, err = hex.Decode(key[:], []byte(parts[2])); err == nil {
			return key, nil
		}
	}
	return key, cocoon.Invalid.Errorf("subject %q belongs to no daemon", subject)
}

// ToWorker is the subject of a message to one run of a worker.
func ToWorker(w [32]byte, boot Boot, v Verb) string {
	return bus.ToWorker(bus.ID(w), bus.Boot(boot), bus.Verb(v))
}

// FromWorker is the subject of a worker's message to a node.
func FromWorker(node string, w [32]byte, v Verb) string {
	return bus.ToDispatcher(node, bus.ID(w), bus.Verb(v))
}

// FromWorkers is what a dispatcher's node subscribes to for one verb.
func FromWorkers(node string, v Verb) string { return bus.FromWorkers(node, bus.Verb(v)) }
