// Package freeport finds ports for servers that tests and benchmarks start, end and
// start again.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Below those that Linux, macOS and Windows give to whoever asks for any: a
// connection would get one of these while the server is away.
const first, last = 10_000, 29_999

// Loopback is an address on 127.0.0.1 that nobody listens on. Somebody may, a
// moment later.
func Loopback() (addr string, err error) {
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first+1))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", fmt.Errorf("find a free port of %d to %d: %w", first, last, err)
}
