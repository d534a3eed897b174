package dispatcher

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/bucket"
)

// StrangersConfig bounds logins of who is neither an active worker nor has the key
// of an open channel, or cannot prove its key.
type StrangersConfig struct {
	Address int // a minute, from one address; above it nobody there is listened to; 0 is no limit
	All     int // a minute, of all; above it only addresses are listened to that somebody known came from; 0 is no limit
}

// DefaultStrangersConfig leaves room for workers that dial before they are registered.
func DefaultStrangersConfig() StrangersConfig { return StrangersConfig{Address: 60, All: 6000} }

// Validate reports what is out of range.
func (c StrangersConfig) Validate() error {
	if c.Address < 0 || c.All < 0 {
		return cocoon.Invalid.Errorf("limits on strangers are above zero, or 0 for none")
	}
	return nil
}

const mostAddresses = 1 << 16 // that are remembered

// strangers counts logins that were refused. This machine's own are not counted.
type strangers struct {
	log  *slog.Logger
	each *bucket.Set[netip.Prefix]
	all  *bucket.Set[struct{}]

	mu    sync.Mutex
	known map[netip.Prefix]struct{} // that somebody known came from
}

func newStrangers(cfg StrangersConfig, now func() time.Time, log *slog.Logger) *strangers {
	return &strangers{log: log, known: map[netip.Prefix]struct{}{}, each: bucket.New[netip.Prefix](cfg.Address, cfg.Address, mostAddresses, now),
		all: bucket.New[struct{}](cfg.All, cfg.All, 1, now)}
}

// network is what counts as one address: all of an IPv4 one, half of an IPv6 one.
func network(addr net.Addr) (p netip.Prefix, far bool) {
	tcp, is := addr.(*net.TCPAddr)
	if !is {
		return p, false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits /= 2
	}
	p, err := ip.Prefix(bits)
	return p, err == nil && !ip.IsLoopback()
}

// may reports whether somebody at addr is listened to now.
func (s *strangers) may(addr net.Addr) bool {
	p, far := network(addr)
	if !far {
		return true
	}
	if s.each.Empty(p) {
		return false
	}
	if !s.all.Empty(struct{}{}) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.known[p]
	return known
}

// refused counts a login that was refused, and tells when a limit is reached.
func (s *strangers) refused(addr net.Addr) {
	p, far := network(addr)
	if !far {
		return
	}
	if s.each.Take(p) && s.each.Empty(p) {
		s.log.Warn("too many logins are refused: nobody at this address is listened to for a while", "address", p, "hint", "cocoon serve --strangers-address")
	}
	if s.all.Take(struct{}{}) && s.all.Empty(struct{}{}) {
		s.log.Warn("too many logins are refused in all: for a while nobody is listened to at an address that nobody known came from", "hint", "cocoon serve --strangers")
	}
}

// welcome notes that somebody known came from addr.
func (s *strangers) welcome(addr net.Addr) {
	p, far := network(addr)
	if !far {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old := range s.known {
		if len(s.known) < mostAddresses {
			break
		}
		delete(s.known, old)
	}
	s.known[p] = struct{}{}
}

// greet ends a TLS handshake before it costs anything, at an address that is not
// listened to.
func (s *strangers) greet(h *tls.ClientHelloInfo) (*tls.Config, error) {
	if !s.may(h.Conn.RemoteAddr()) {
		return nil, cocoon.Forbidden.Errorf("too many logins were refused at %s", h.Conn.RemoteAddr())
	}
	return nil, nil //nolint:nilnil // as it is
}
