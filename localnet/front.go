package localnet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
)

// Server is one liteserver of a chain, with a port, an ADNL key and faults of
// its own. All its methods may be called at once.
type Server struct {
	chain *Chain
	key   ed25519.PrivateKey
	port  *server
	after func(time.Duration) <-chan time.Time

	mu      sync.Mutex
	faults  Faults
	changed chan struct{} // closed by SetFaults
	number  uint64        // of the next query since then that faults concern
	stats   Stats
	ear     func(tl.Serializable)

	ended sync.Once
	done  chan struct{}
}

func newFront(c *Chain, key ed25519.PrivateKey) *Server {
	return &Server{chain: c, key: key, after: time.After, changed: make(chan struct{}), done: make(chan struct{})}
}

// Server is the chain's own liteserver, the one GlobalConfig names.
func (c *Chain) Server() *Server { return c.server.front }

// Serve opens one more liteserver, on a free port beside the chain's own. The
// chain's seed and how many came before decide its key. It closes with the
// chain, or before by Close.
func (c *Chain) Serve(f Faults) (*Server, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	own := c.server
	own.mu.Lock()
	defer own.mu.Unlock()
	if own.closed {
		return nil, fmt.Errorf("serve: %w", errClosed)
	}
	s := newFront(c, frontKey(c.cfg.Seed, len(own.fronts)))
	s.faults = f.clone()
	if _, err := s.listen(netip.AddrPortFrom(own.port.Addr(), 0).String()); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	own.fronts = append(own.fronts, s)
	return s, nil
}

func frontKey(seed []byte, index int) ed25519.PrivateKey {
	h := sha256.Sum256(fmt.Appendf(nil, "localnet liteserver %d %s", index, seed))
	return ed25519.NewKeyFromSeed(h[:])
}

// Addr is where the server listens, host:port.
func (s *Server) Addr() string { return s.port.addr }

// Config is the global.config.json of the server's chain that names this server alone.
func (s *Server) Config() []byte { return s.chain.ConfigOf(s) }

// Close ends every connection to the server. Twice does no harm.
func (s *Server) Close() error { return s.port.close() }

func (s *Server) end() { s.ended.Do(func() { close(s.done) }) }

// SetFaults changes what the server does wrong from its next query on, and
// begins the sequence of the seed anew. The zero Faults mend it: what was held
// half-closed is read and answered.
func (s *Server) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("set faults: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.number = f.clone(), 0
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// Hear makes ear hear each query before it is answered; nil makes it deaf. It
// is called on the connection's own loop: while it does not return, nothing
// more of that connection is read.
func (s *Server) Hear(ear func(query tl.Serializable)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ear = ear
}

// Stats are what a server was asked and how often it did wrong.
type Stats struct {
	Queries                        map[string]int // by the name the query has in lite_api.tl, without "liteServer."
	Refused, Dropped, Silent, Lied int
}

// Total is the number of queries.
func (s Stats) Total() (n int) {
	for _, k := range s.Queries {
		n += k
	}
	return n
}

// Stats are the server's counts since it began.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	if stats.Queries = maps.Clone(stats.Queries); stats.Queries == nil {
		stats.Queries = map[string]int{}
	}
	return stats
}

// receive takes a query off a connection. While it does not return, the library
// reads nothing more of that connection, which is what a half-closed one is.
func (s *Server) receive(ctx context.Context, client *liteclient.ServerClient, id []byte, query tl.Serializable) {
	if !s.hold(ctx) {
		return
	}
	r := s.admit(query)
	if r.ear != nil {
		r.ear(query)
	}
	go s.reply(ctx, client, bytes.Clone(id), r)
}

// admit counts a query and decides what becomes of it.
func (s *Server) admit(query tl.Serializable) request {
	kind := kindOf(query)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stats.Queries == nil {
		s.stats.Queries = map[string]int{}
	}
	s.stats.Queries[kind]++
	r := request{query: query, faults: s.faults, ear: s.ear}
	if len(s.faults.Only) == 0 || slices.Contains(s.faults.Only, kind) {
		r.fate = s.faults.fate(binary.LittleEndian.Uint64(s.key), s.number)
		s.number++
	}
	return r
}

// count changes the server's counts.
func (s *Server) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}
