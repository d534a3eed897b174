package api

import (
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Config says where the API listens and how long it is patient.
type Config struct {
	Listen      string   // host:port
	AllowRemote bool     // listen on what is no loopback address, in clear
	Hosts       []string // names it may be called by, beside localhost and its address
	Keys        string   // folder of API keys
	Ledger      string   // folder of the usage ledger

	Aliases map[string]string // names applications use for models
	// AffinitySecret makes turns of one conversation recognisable to the
	// dispatcher, for a day and under this secret; empty switches it off.
	AffinitySecret []byte

	MaxBody        int64         // bytes of a request
	MaxAnswer      int           // bytes of an answer
	Deadline       time.Duration // of a request, from its arrival to the last token
	KeepAlive      time.Duration // silence after which a stream gets a sign of life
	KeepAliveChunk bool          // the sign is an empty chunk, for watchdogs that do not count comments
	WriteTimeout   time.Duration // that an application may leave a write unread
	ReadTimeout    time.Duration // that sending a request may take
	Keep           time.Duration // that an answer waits for a retry
	KeepBytes      int           // of all answers that wait
	Drain          time.Duration // that open answers may take when the daemon stops
}

// DefaultConfig has everything but the folders.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8317", MaxBody: 8 << 20, MaxAnswer: 64 << 20,
		Deadline: 600 * time.Second, KeepAlive: 10 * time.Second, WriteTimeout: 30 * time.Second, ReadTimeout: 60 * time.Second,
		Keep: 60 * time.Second, KeepBytes: 64 << 20, Drain: 30 * time.Second,
	}
}

// Validate reports what is missing or out of range, and an address that others
// could reach without AllowRemote.
func (c Config) Validate() error {
	switch {
	case c.Keys == "" || c.Ledger == "":
		return cocoon.Invalid.Errorf("the API needs a folder for its keys and one for its ledger")
	case c.MaxBody < 1 || c.MaxAnswer < 1 || c.KeepBytes < 0:
		return cocoon.Invalid.Errorf("sizes of requests and answers must be positive")
	case min(c.Deadline, c.KeepAlive, c.WriteTimeout, c.ReadTimeout, c.Keep, c.Drain) <= 0:
		return cocoon.Invalid.Errorf("times of the API must be positive")
	}
	_, err := c.address()
	return err
}

// address is where to listen.
func (c Config) address() (*net.TCPAddr, error) {
	a, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("listen on %q: %w", c.Listen, err)
	}
	if !a.IP.IsLoopback() && !c.AllowRemote {
		return nil, cocoon.WithHint(cocoon.Forbidden.Errorf("%q can be reached from other machines, and this API spends money", c.Listen),
			"listen on 127.0.0.1, or allow remote access by name behind something that speaks TLS")
	}
	return a, nil
}

// Deps are what the API works with. All of it is used concurrently; all but the
// backend has a default.
type Deps struct {
	Backend Backend
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time
	Random  io.Reader // for ids of requests
	Logger  *slog.Logger
}
