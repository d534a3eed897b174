package stream

import (
	"crypto/sha256"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Route is what of a request its dispatcher and its worker see: nothing of the
// client. How large the prompt is they see of its body.
type Route struct {
	Request  RequestID
	Model    cocoon.ModelID
	Endpoint Endpoint
	Issued   uint32       // unix seconds
	Expires  uint32       // unix seconds, at most MaxRoute after Issued
	MaxOut   uint32       // tokens of each choice, reasoning among them
	Choices  uint8        // answers, 1 at least
	Caps     cocoon.Price // most that the client pays, nanoTON per 10^6 tokens
}

const (
	// MaxRoute is how long after it was issued a route may expire.
	MaxRoute = 10 * time.Minute
	// MaxOut is the most tokens that a route may ask for in each choice.
	MaxOut = 1 << 20
	// MaxChoices is the most answers.
	MaxChoices = 128
)

const routeSize = 16 + 32 + 1 + 4 + 4 + 4 + 1 + 4*cocoon.NanoSize

// Validate reports a route that nobody should serve.
func (r Route) Validate() error {
	switch {
	case r.Endpoint.Path() == "":
		return cocoon.Invalid.Errorf("a route to endpoint %d", r.Endpoint)
	case r.Expires <= r.Issued || r.Expires-r.Issued > uint32(MaxRoute/time.Second):
		return cocoon.Invalid.Errorf("a route issued at %d that expires at %d", r.Issued, r.Expires)
	case r.MaxOut > MaxOut || r.MaxOut == 0 && r.Endpoint != Embeddings:
		return cocoon.Invalid.Errorf("a route for %d tokens", r.MaxOut)
	case r.Choices == 0 || r.Choices > MaxChoices:
		return cocoon.Invalid.Errorf("a route for %d choices", r.Choices)
	}
	return nil
}

// Bytes are r as it travels and as Hash sees it.
func (r Route) Bytes() []byte {
	w := newWriter(kindRoute, routeSize)
	w.fixed(r.Request[:])
	w.fixed(r.Model[:])
	w.u8(uint8(r.Endpoint))
	w.u32(r.Issued)
	w.u32(r.Expires)
	w.u32(r.MaxOut)
	w.u8(r.Choices)
	w.price(r.Caps)
	return w
}

// Hash is SHA-256 of the route's bytes, as receipts name it.
func (r Route) Hash() [32]byte { return sha256.Sum256(r.Bytes()) }

// ParseRoute reads what Bytes wrote, and validates it.
func ParseRoute(b []byte) (r Route, err error) {
	d := readerOf(b, kindRoute)
	d.into(r.Request[:])
	d.into(r.Model[:])
	r.Endpoint = Endpoint(d.u8())
	r.Issued, r.Expires, r.MaxOut = d.u32(), d.u32(), d.u32()
	r.Choices, r.Caps = d.u8(), d.price()
	if err = d.end(); err == nil {
		err = r.Validate()
	}
	return r, err
}
