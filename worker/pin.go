package worker

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// pin is the TLS key that a dispatcher's rewards contract names, read anew at
// each handshake: a dispatcher that changes its key is believed at once, and one
// whose key was stolen is not any more.
type pin struct {
	cfg   Config
	chain Chain
	log   *slog.Logger

	mu   sync.Mutex
	last [32]byte // proven before; zero where nothing was
}

// config accepts that key alone, and tells who is refused: the bus's client is
// silent about handshakes once it was connected.
func (p *pin) config() *tls.Config {
	c := bus.Pinned(p.hash)
	verify := c.VerifyConnection
	c.VerifyConnection = func(s tls.ConnectionState) error {
		err := verify(s)
		if err != nil {
			p.log.Warn("dispatcher refused", "rewards", p.cfg.Pin, "err", err)
		}
		return err
	}
	return c
}

// hash is the SHA-256 of the key. While the chain does not answer it is the last
// one that was proven.
func (p *pin) hash() ([32]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.Request)
	defer cancel()
	d, err := p.chain.Dispatcher(ctx, p.cfg.Pin)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch at := d.Keys.Endpoint; {
	case err != nil && p.last == [32]byte{}:
		return p.last, cocoon.Unreachable.Errorf("read which TLS key dispatcher %s has: %w", p.cfg.Pin, err)
	case err != nil:
		p.log.Warn("cannot prove a dispatcher's TLS key, going by the last one", "rewards", p.cfg.Pin, "err", err)
	case at == nil:
		p.last = [32]byte{}
		return p.last, cocoon.WithHint(cocoon.Forbidden.Errorf("dispatcher %s names no TLS key on chain", p.cfg.Pin), "its operator writes it there: cocoon dispatcher endpoint")
	default:
		p.last = at.TLSKeyHash
	}
	return p.last, nil
}
