package bus

import (
	"strings"

	"github.com/cocoon-network/cocoon"
)

// Verb is what a request asks for, the last part of its subject.
type Verb string

// Requests to a worker, and what they carry and are answered with.
const (
	OfferVerb Verb = "offer" // Offer; Intent
	GrantVerb Verb = "grant" // Grant; Accept
)

// Requests to a dispatcher, and what they carry and are answered with.
const (
	PayloadVerb Verb = "payload" // Fetch; Part
	ResultVerb  Verb = "result"  // Part; Ack
	DeliverVerb Verb = "deliver" // Deliver; Ack
)

// ToWorker is the subject of a request to one run of a worker.
func ToWorker(w ID, boot Boot, verb Verb) string {
	return "w." + w.String() + "." + boot.String() + "." + string(verb)
}

// InboxPrefix is where a run of a worker receives answers; it lies within
// what the worker may subscribe to.
func InboxPrefix(w ID, boot Boot) string { return "w." + w.String() + "." + boot.String() + ".in" }

// ToDispatcher is the subject of a worker's request to a node of a dispatcher.
func ToDispatcher(node string, w ID, verb Verb) string {
	return "g." + node + "." + w.String() + "." + string(verb)
}

// FromWorkers is what a dispatcher's node subscribes to for one verb.
func FromWorkers(node string, verb Verb) string { return "g." + node + ".*." + string(verb) }

// Heartbeats is what a dispatcher subscribes to for all workers' heartbeats.
const Heartbeats = "hb.*"

// HeartbeatOf is the subject of a worker's heartbeats.
func HeartbeatOf(w ID) string { return "hb." + w.String() }

// Permissions are the subjects a worker may publish and subscribe to. Answers
// to requests come on top: the server has to allow replies (one a request).
func Permissions(w ID) (publish, subscribe []string) {
	return []string{"g.*." + w.String() + ".>", HeartbeatOf(w)}, []string{"w." + w.String() + ".>"}
}

// SenderOf is the worker that a subject of ToDispatcher or HeartbeatOf belongs
// to. The server's permissions vouch for it.
func SenderOf(subject string) (ID, error) {
	parts := strings.Split(subject, ".")
	var w ID
	switch {
	case len(parts) == 4 && parts[0] == "g" && ValidateNode(parts[1]) == nil:
		return w, w.UnmarshalText([]byte(parts[2]))
	case len(parts) == 2 && parts[0] == "hb":
		return w, w.UnmarshalText([]byte(parts[1]))
	}
	return ID{}, cocoon.Invalid.Errorf("subject %q belongs to no worker", subject)
}

// ValidateNode checks the name of a dispatcher's node: 1 to 32 of a-z, 0-9 and -.
func ValidateNode(node string) error {
	if node == "" || len(node) > 32 || strings.Trim(node, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return cocoon.Invalid.Errorf("node %q is not 1 to 32 of a-z, 0-9 and -", node)
	}
	return nil
}
