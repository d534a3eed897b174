package localnet

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// server speaks the liteserver protocol: connections and bytes, for what front
// answers.
type server struct {
	front *Server
	lite  *liteclient.Server
	addr  string
	port  netip.AddrPort

	mu      sync.Mutex
	closed  bool
	clients map[*liteclient.ServerClient]bool
	arrived chan string // remote addresses, until the server is known to listen
	fronts  []*Server   // of the chain's own server: those that close with it
}

// listenAttempts is how many free ports are tried: another program may take one
// between our finding it and our listening on it.
const listenAttempts = 16

func listen(c *Chain, addr string) (*server, error) {
	return newFront(c, c.keys.liteserver).listen(addr)
}

func (f *Server) listen(addr string) (*server, error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil || !want.Addr().Is4() {
		return nil, fmt.Errorf("listen address %q is not an IPv4 host:port", addr)
	}
	for range listenAttempts {
		at := want
		if want.Port() == 0 {
			if at, err = freePort(want.Addr()); err != nil {
				return nil, fmt.Errorf("find a free port: %w", err)
			}
		}
		f.port = &server{front: f, addr: at.String(), port: at, clients: map[*liteclient.ServerClient]bool{}, arrived: make(chan string, 16)}
		if err = f.port.start(); err == nil {
			return f.port, nil
		}
		if want.Port() != 0 {
			break
		}
	}
	return nil, fmt.Errorf("listen on %s: %w", addr, err)
}

func freePort(host netip.Addr) (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", netip.AddrPortFrom(host, 0).String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
}

// start returns when the port is known to be ours: the library listens on its
// own and does not say when, so we knock until it hears us.
func (s *server) start() error {
	s.lite = liteclient.NewServer([]ed25519.PrivateKey{s.front.key})
	s.lite.SetQueryHandler(s.front.receive)
	s.lite.SetConnectionHook(s.connected)
	s.lite.SetDisconnectHook(s.disconnected)
	failed := make(chan error, 1)
	go func() { failed <- s.lite.Listen(s.addr) }()
	for {
		select {
		case err := <-failed:
			return errors.Join(errors.New("the port is taken"), err)
		case <-time.After(time.Millisecond):
		}
		if s.knock() {
			return nil
		}
	}
}

// knock tells whether it is our server that listens.
func (s *server) knock() bool {
	conn, err := net.Dial("tcp4", netip.AddrPortFrom(s.dialable(), s.port.Port()).String())
	if err != nil {
		return false
	}
	defer conn.Close()
	for {
		select {
		case remote := <-s.arrived:
			if remote == conn.LocalAddr().String() {
				return true
			}
		case <-time.After(100 * time.Millisecond):
			return false
		}
	}
}

func (s *server) dialable() netip.Addr {
	if s.port.Addr().IsUnspecified() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return s.port.Addr()
}

func (s *server) connected(client *liteclient.ServerClient) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.clients[client] = true
	select {
	case s.arrived <- fmt.Sprintf("%s:%d", client.IP(), client.Port()):
	default:
	}
	return nil
}

func (s *server) disconnected(client *liteclient.ServerClient) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, client)
}

// close ends every connection; of the chain's own server, every other server too.
func (s *server) close() error {
	s.mu.Lock()
	s.closed = true
	for client := range s.clients {
		client.Close()
	}
	fronts := s.fronts
	s.mu.Unlock()
	s.front.end()
	errs := []error{s.lite.Close()}
	for _, f := range fronts {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// answerPatience is how long an answer waits for a slow reader: the library
// drops what does not fit its queue.
const answerPatience = 10 * time.Second

func send(ctx context.Context, client *liteclient.ServerClient, id []byte, answer tl.Serializable) {
	deadline := time.Now().Add(answerPatience)
	for !client.Answer(id, answer) && ctx.Err() == nil && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
}

// GlobalConfig is the chain's global.config.json, which any TON client takes.
// It names the chain's own liteserver.
func (c *Chain) GlobalConfig() []byte { return c.ConfigOf(c.Server()) }

// ConfigOf is a global.config.json of this chain that names these liteservers,
// in this order. A liteserver of another chain may be among them.
func (c *Chain) ConfigOf(servers ...*Server) []byte {
	v := c.view()
	config := liteclient.GlobalConfig{Type: "config.global",
		DHT:         liteclient.DHTConfig{Type: "dht.config.global", K: 6, A: 3, StaticNodes: liteclient.DHTNodes{Type: "dht.nodes", Nodes: []liteclient.DHTNode{}}},
		Liteservers: make([]liteclient.LiteserverConfig, len(servers)),
		Validator: liteclient.ValidatorConfig{Type: "validator.config.global", ZeroState: configBlock(v.zero().id),
			InitBlock: configBlock(v.history.find(wholeMasterchain, firstKey).id), Hardforks: []liteclient.ConfigBlock{}}}
	for i, s := range servers {
		config.Liteservers[i] = s.port.config()
	}
	b, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		panic(err) // plain numbers and strings
	}
	return append(b, '\n')
}

func (s *server) config() liteclient.LiteserverConfig {
	ip := s.dialable().As4()
	return liteclient.LiteserverConfig{IP: int64(int32(binary.BigEndian.Uint32(ip[:]))), Port: int(s.port.Port()),
		ID: liteclient.ServerID{Type: "pub.ed25519", Key: base64.StdEncoding.EncodeToString(publicOf(s.front.key))}}
}

func configBlock(id *ton.BlockIDExt) liteclient.ConfigBlock {
	return liteclient.ConfigBlock{Workchain: id.Workchain, Shard: id.Shard, SeqNo: id.SeqNo, RootHash: id.RootHash, FileHash: id.FileHash}
}
