package gateway

import (
	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// modelsOf answers how many workers there are. All of them are looked at, so that a
// daemon may not ask at will.
func (g *Gateway) modelsOf(m *nats.Msg) {
	key, q, ok := read(g, m, stream.ParseModelsOf)
	if !ok {
		return
	}
	switch {
	case g.draining.Load():
		g.refuse(m, drains())
	case !g.listings.Take(key):
		g.refuse(m, &stream.Fail{Code: stream.Busy, Wait: 1000, Text: "this key asks for models too often"})
	default:
		respond(g, m, stream.Models{Workers: g.workers.Serving(q)})
	}
}
