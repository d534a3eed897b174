package dispatcher

import (
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

func at(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }

func TestStrangers_OneAddressIsNotListenedToForAWhile(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	s := newStrangers(StrangersConfig{Address: 60, All: 0}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	for range 60 {
		require.True(t, s.may(at("192.0.2.1")))
		s.refused(at("192.0.2.1"))
		s.refused(at("127.0.0.1"))
		s.refused(at("2001:db8::1"))
	}
	require.False(t, s.may(at("192.0.2.1")))
	require.False(t, s.may(at("::ffff:192.0.2.1")))
	require.False(t, s.may(at("2001:db8::2")), "who has one of these has all of its network")
	for _, other := range []string{"192.0.2.2", "2001:db8:0:1::1", "127.0.0.1", "::1"} {
		require.True(t, s.may(at(other)), other)
	}
	require.True(t, s.may(&net.UnixAddr{}), "a pipe is our own")
	_, err := s.greet(&tls.ClientHelloInfo{Conn: from{at: at("192.0.2.1")}})
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "no handshake is begun")
	_, err = s.greet(&tls.ClientHelloInfo{Conn: from{at: at("192.0.2.2")}})
	require.NoError(t, err)
	now = now.Add(time.Second)
	require.True(t, s.may(at("192.0.2.1")), "one a second")
}

func TestStrangers_AboveTheLimitOfAllOnlyKnownAddressesAreListenedTo(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	s := newStrangers(StrangersConfig{Address: 0, All: 100}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	s.welcome(at("192.0.2.1"))
	for n := range 100 {
		require.True(t, s.may(at("198.51.100.1")))
		s.refused(&net.TCPAddr{IP: net.IPv4(203, 0, 113, byte(n))})
	}
	require.False(t, s.may(at("198.51.100.1")))
	require.True(t, s.may(at("192.0.2.1")))
	now = now.Add(time.Minute)
	require.True(t, s.may(at("198.51.100.1")))
}

func TestStrangers_WithoutLimitsEverybodyIsListenedTo(t *testing.T) {
	t.Parallel()
	s := newStrangers(StrangersConfig{}, time.Now, slog.New(slog.DiscardHandler))
	for range 10_000 {
		s.refused(at("192.0.2.1"))
	}
	require.True(t, s.may(at("192.0.2.1")))
	require.Error(t, StrangersConfig{Address: -1}.Validate())
	require.Error(t, StrangersConfig{All: -1}.Validate())
}

// from is a connection from somewhere.
type from struct {
	net.Conn
	at net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.at }

// login is one as the server shows it.
type login struct {
	server.ClientAuthentication
	opts server.ClientOpts
	at   net.Addr
	let  *server.User
}

func (l *login) GetOpts() *server.ClientOpts { return &l.opts }
func (l *login) GetNonce() []byte            { return []byte("0123456789abcdef") }
func (l *login) RemoteAddress() net.Addr     { return l.at }
func (l *login) GetID() uint64               { return 1 }
func (l *login) RegisterUser(u *server.User) { l.let = u }

// logs in as the holder of k, signing with by.
func logs(t *testing.T, k, by ed25519.PrivateKey, from string) *login {
	t.Helper()
	user, err := bus.UserKey(idOf(k))
	require.NoError(t, err)
	sig, err := bus.SignNonce(by, []byte("0123456789abcdef"))
	require.NoError(t, err)
	return &login{opts: server.ClientOpts{Nkey: user, Sig: base64.RawURLEncoding.EncodeToString(sig)}, at: at(from)}
}

func TestDoor_WhoKnocksTooOftenIsNotListenedTo(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Strangers.Address = 3
	d := newWorldWith(t, cfg).link.door
	require.True(t, d.Check(logs(t, key(1), key(1), "192.0.2.1")))
	for _, stranger := range []*login{logs(t, key(9), key(9), "192.0.2.1"), logs(t, key(1), key(2), "192.0.2.1"), {at: at("192.0.2.1")}} {
		require.False(t, d.Check(stranger))
		require.Nil(t, stranger.let)
	}
	require.False(t, d.Check(logs(t, key(1), key(1), "192.0.2.1")), "for a while, whoever it is")
	require.True(t, d.Check(logs(t, key(1), key(1), "192.0.2.2")), "and elsewhere as ever")
	require.True(t, d.Check(logs(t, key(5), key(5), "192.0.2.2")))
	for range 10 {
		require.False(t, d.Check(logs(t, key(9), key(9), "127.0.0.1")))
	}
	require.True(t, d.Check(logs(t, key(1), key(1), "127.0.0.1")), "this machine is its owner's")
}
