package gateway

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// shower is a worker that shows the session key and the certificate's end that a
// test says, with evidence that counts how often it was asked.
type shower struct {
	of      Run
	sub     *nats.Subscription
	session atomic.Pointer[ed25519.PrivateKey]
	asked   atomic.Int32
}

func newShower(w *town) *shower {
	w.t.Helper()
	key, provider := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32)), cocoon.Account{3}
	s := &shower{of: Run{[32]byte(key.Public().(ed25519.PublicKey)), stream.Boot{3}}}
	session := sessionOf(provider)
	s.session.Store(&session)
	var err error
	s.sub, err = w.conn.Subscribe(stream.ToWorker(s.of.Worker, s.of.Boot, stream.KeysVerb), func(m *nats.Msg) {
		c := mustParse(receipt.Certificate{Provider: provider, SessionKey: [32]byte(s.session.Load().Public().(ed25519.PublicKey)), Boot: s.of.Boot, NotAfter: 1 << 31}.Sign(key))
		_ = m.Respond(stream.Keys{Provider: provider, Worker: s.of.Worker, Boot: s.of.Boot, Certificate: c.Bytes(), Evidence: []byte{byte(s.asked.Add(1))}}.Bytes())
	})
	require.NoError(w.t, err)
	require.NoError(w.t, w.conn.Flush())
	return s
}

func TestKeys_OfARunAreAskedForAgainSinceTheyRotate(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig())
	s := newShower(w)
	evidence := func(age time.Duration) byte {
		t.Helper()
		raw, _, err := w.gateway.keysFrom(t.Context(), s.of, age)
		require.NoError(t, err)
		keys, err := stream.ParseKeys(raw)
		require.NoError(t, err)
		return keys.Evidence[0]
	}
	require.EqualValues(t, 1, evidence(time.Hour))
	require.EqualValues(t, 1, evidence(time.Hour))
	require.EqualValues(t, 2, evidence(0), "a daemon wants those of now")
	require.EqualValues(t, 2, evidence(anyAge), "a receipt needs the session key alone")
	w.gateway.keys.forget(s.of)
	require.EqualValues(t, 3, evidence(anyAge))
}

// A worker that was killed shows no keys any more, and its bills may be on their way.
func TestKeys_OfARunThatHasEndedAreKnownToTheProcessAfter(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig())
	s := newShower(w)
	raw, cert, err := w.gateway.keysFrom(t.Context(), s.of, anyAge)
	require.NoError(t, err)
	require.NoError(t, s.sub.Unsubscribe())
	after, err := Open(w.gateway.cfg, w.conn, w.purse, w, time.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(after.close)
	for _, age := range []time.Duration{anyAge, freshAge, 0} {
		kept, again, err := after.keysFrom(t.Context(), s.of, age)
		require.NoError(t, err)
		require.Equal(t, raw, kept)
		require.Equal(t, cert, again)
	}
	_, _, err = after.keysFrom(t.Context(), Run{s.of.Worker, stream.Boot{4}}, anyAge)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "another run")
}

// By what clock a certificate has ended, the ledger knows.
func TestKeys_AReceiptWhoseCertificateHasEndedHasItAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	w.purse.mu.Lock()
	w.purse.refuses = cocoon.Forbidden.Errorf("its certificate has ended")
	w.purse.mu.Unlock()
	shown := w.workers[0].shown.Load()
	w.ask(100)
	w.next("took")
	require.Eventually(t, func() bool {
		e := w.gateway.keys.entry(Run{w.workers[0].Worker, w.workers[0].Boot})
		return w.workers[0].shown.Load() > shown && e.stale.Load()
	}, 20*time.Second, time.Millisecond)
}

// The worker's key is its operator's, who can certify any session key with it.
func TestKeys_ASecondSessionKeyOfABootIsRefused(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig())
	s := newShower(w)
	_, first, err := w.gateway.keysFrom(t.Context(), s.of, anyAge)
	require.NoError(t, err)
	made, operators := s.session.Load(), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	s.session.Store(&operators)
	w.gateway.keys.forget(s.of)
	_, _, err = w.gateway.keysFrom(t.Context(), s.of, anyAge)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
	require.ErrorContains(t, err, "second session key")
	s.session.Store(made)
	_, again, err := w.gateway.keysFrom(t.Context(), s.of, 0)
	require.NoError(t, err)
	require.Equal(t, first.SessionKey, again.SessionKey)
}
