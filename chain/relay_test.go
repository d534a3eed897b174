package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon/internal/freeport"
)

// relay is a real liteserver that passes questions on to another, and may be
// told to lie, to lose messages or to fall silent.
type relay struct {
	t    testing.TB
	self Liteserver
	back *liteclient.ConnectionPool

	mu      sync.Mutex
	instead func(question tl.Serializable) tl.Serializable
	tamper  func(question, answer tl.Serializable) tl.Serializable
	asked   int
	guests  []*liteclient.ServerClient
}

// newRelay serves for to, until the test ends.
func newRelay(t testing.TB, to Liteserver) *relay {
	key := testKey(99)
	spare, err := freeport.Loopback()
	require.NoError(t, err)
	r := &relay{t: t, self: Liteserver{spare, key.Public().(ed25519.PublicKey)}, back: liteclient.NewConnectionPool()}
	require.NoError(t, r.back.AddConnection(t.Context(), to.Addr, base64.StdEncoding.EncodeToString(to.Key)))
	server := liteclient.NewServer([]ed25519.PrivateKey{key})
	server.SetQueryHandler(r.handle)
	server.SetConnectionHook(func(guest *liteclient.ServerClient) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.guests = append(r.guests, guest)
		return nil
	})
	go func() {
		if err := server.Listen(r.self.Addr); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		r.back.Stop()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", r.self.Addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second, time.Millisecond)
	return r
}

// lie makes every answer go through tamper; nil from it is silence.
func (r *relay) lie(tamper func(question, answer tl.Serializable) tl.Serializable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tamper, r.asked = tamper, 0
}

// filter makes the relay answer itself wherever instead does not return nil.
func (r *relay) filter(instead func(question tl.Serializable) tl.Serializable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instead = instead
}

// own is what the relay answers itself, if anything.
func (r *relay) own(question tl.Serializable) tl.Serializable {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.instead == nil {
		return nil
	}
	return r.instead(question)
}

// cut ends every connection.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, guest := range r.guests {
		guest.Close()
	}
	r.guests = nil
}

// questions is how many have come since the last lie.
func (r *relay) questions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *relay) handle(ctx context.Context, client *liteclient.ServerClient, id []byte, query tl.Serializable) {
	id = bytes.Clone(id)
	parts, ok := query.([]tl.Serializable)
	if !ok {
		parts = []tl.Serializable{query}
	}
	var raw []byte
	for _, part := range parts {
		b, err := tl.Serialize(part, true)
		if err != nil {
			r.t.Error(err)
		}
		raw = append(raw, b...)
	}
	go r.answer(ctx, client, id, parts[len(parts)-1], tl.Raw(raw))
}

func (r *relay) answer(ctx context.Context, client *liteclient.ServerClient, id []byte, question, raw tl.Serializable) {
	answer := r.own(question)
	if answer != nil {
		client.Answer(id, answer)
		return
	}
	if err := r.back.QueryLiteserver(ctx, raw, &answer); err != nil {
		answer = ton.LSError{Code: 500, Text: err.Error()}
	}
	r.mu.Lock()
	r.asked++
	tamper := r.tamper
	r.mu.Unlock()
	if tamper != nil {
		answer = tamper(question, answer)
	}
	if answer != nil {
		client.Answer(id, answer)
	}
}
