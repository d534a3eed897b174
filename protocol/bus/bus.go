// Package bus is what a dispatcher and a worker say to each other over NATS:
// subjects, login, messages and the certificates in them. Everything is JSON
// with a version around it; docs/protocol/bus.md lists the fields.
package bus

import (
	"encoding/json"
	"fmt"

	"github.com/cocoon-network/cocoon"
)

const (
	// Version is the one this package speaks; others are refused.
	Version = 1
	// MaxMessage is the largest message either side accepts.
	MaxMessage = 512 << 10
)

// Message is what one NATS message carries.
type Message interface {
	// Validate checks what can be checked without knowing the receiver.
	Validate() error
}

// frame is a message with its version. An answer may carry a refusal instead.
type frame struct {
	Version int             `json:"v"`
	Body    json.RawMessage `json:"body,omitempty"`
	Refused *Refusal        `json:"refused,omitempty"`
}

// Encode writes m; what the other side would refuse to read is an error.
func Encode(m Message) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	return encode(frame{Version: Version, Body: body})
}

func encode(f frame) ([]byte, error) {
	raw, err := json.Marshal(f)
	if err == nil && len(raw) > MaxMessage {
		err = cocoon.Invalid.Errorf("message has %d bytes, the most is %d", len(raw), MaxMessage)
	}
	return raw, err
}

// Decode reads and validates a T. An answer that refuses comes back as an
// error holding a *Refusal; unknown fields are left for later versions.
func Decode[T Message](raw []byte) (T, error) {
	var m, zero T
	if len(raw) > MaxMessage {
		return zero, cocoon.Invalid.Errorf("%T has %d bytes, the most is %d", m, len(raw), MaxMessage)
	}
	var f frame
	if err := json.Unmarshal(raw, &f); err != nil {
		return zero, cocoon.Invalid.Errorf("%T is not a message of the bus", m)
	}
	switch {
	case f.Version != Version:
		return zero, cocoon.Invalid.Errorf("%T is of version %d, this program speaks %d", m, f.Version, Version)
	case f.Refused != nil && len(f.Body) > 0:
		return zero, cocoon.Invalid.Errorf("%T both answers and refuses", m)
	case f.Refused != nil:
		if err := f.Refused.Validate(); err != nil {
			return zero, err
		}
		return zero, f.Refused
	case len(f.Body) == 0 || string(f.Body) == "null":
		return zero, cocoon.Invalid.Errorf("%T has no body", m)
	}
	if err := json.Unmarshal(f.Body, &m); err != nil {
		return zero, cocoon.Invalid.Errorf("read %T: %w", m, err)
	}
	if err := m.Validate(); err != nil {
		return zero, fmt.Errorf("%T: %w", m, err)
	}
	return m, nil
}
