package trust

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// KeyID is how leases name a key: the first four bytes of its hash.
func KeyID(p envelope.PublicKey) uint32 {
	h := p.Hash()
	return binary.BigEndian.Uint32(h[:])
}

// Peer is one run of a worker that prompts may be encrypted to.
type Peer struct {
	Provider cocoon.Account
	Owner    cocoon.Account // of the provider
	Worker   [32]byte
	Boot     stream.Boot
	Session  [32]byte // signs its receipts
	NotAfter time.Time
	met      time.Time
	proven   time.Time // what it was judged by
	keys     map[uint32]*pool
}

// valid is the pool of a key that is valid at now.
func (p *Peer) valid(id uint32, now time.Time) (*pool, error) {
	k := p.keys[id]
	if k == nil || now.Before(k.notBefore) || !now.Before(k.notAfter) {
		return nil, cocoon.Forbidden.Errorf("worker %x has no key %08x that is valid now", p.Worker[:4], id)
	}
	return k, nil
}

// Context is an encapsulation to one of the peer's keys, prepared ahead if one is left.
func (p *Peer) Context(id uint32, now time.Time) (*envelope.Context, error) {
	k, err := p.valid(id, now)
	if err != nil {
		return nil, err
	}
	return k.take()
}

// Prepare makes contexts ahead, until there are n of that key. It may be called
// from several goroutines.
func (p *Peer) Prepare(id uint32, n int) error {
	k := p.keys[id]
	if k == nil {
		return nil
	}
	for range min(n, maxReady) {
		if k.len() >= n {
			return nil
		}
		c, err := k.key.Prepare()
		if err != nil {
			return err
		}
		k.put(c)
	}
	return nil
}

// maxReady is how many contexts of a key are kept: 1.2 KiB each.
const maxReady = 256

// pool is a key with contexts that were prepared for it.
type pool struct {
	key                 envelope.PublicKey
	notBefore, notAfter time.Time

	mu    sync.Mutex
	ready []*envelope.Context
}

func (p *pool) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ready)
}

func (p *pool) put(c *envelope.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, c)
}

func (p *pool) take() (*envelope.Context, error) {
	p.mu.Lock()
	if n := len(p.ready); n > 0 {
		c := p.ready[n-1]
		p.ready = p.ready[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return p.key.Prepare()
}
