package trust_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

const netID = -217

var (
	registry = cocoon.Account{0xee}
	model    = cocoon.NewModelID("Qwen/Qwen3-32B")
	price    = cocoon.Price{Prompt: cocoon.NanoOf(5)}
)

// world is a provider with one worker, the chain that proves it, and the clock.
type world struct {
	t        *testing.T
	now      time.Time
	state    wrappers.Provider
	at       time.Time // of the proof
	down     error     // why the chain does not answer
	asked    int       // the chain
	provider cocoon.Account
	key, b   ed25519.PrivateKey
	hpke     envelope.PrivateKey
	fetched  atomic.Int32 // keys
	cert     receipt.Certificate
	verdict  func(trust.Verdict) (trust.Verdict, error)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Unix(1_700_000_000, 0), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), b: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))}
	w.at = w.now
	w.rotate()
	record, err := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81_920, Concurrency: 1, Models: []wrappers.ModelOffer{{Model: model, Price: price}}}.Cell()
	require.NoError(t, err)
	w.state = wrappers.Provider{Birth: wrappers.ProviderBirth{Registry: registry, Owner: cocoon.Account{1}}, Born: true, Stake: cocoon.TON(7), GPUs: 1,
		Workers: []wrappers.Worker{{Key: wrappers.PublicKey(w.key), GPUs: 1, Record: record}},
		Terms:   &wrappers.ProviderTerms{MinProvider: wrappers.Coins{Nano: cocoon.TON(5)}, MinGPU: wrappers.Coins{Nano: cocoon.TON(2)}}}
	w.provider, err = w.state.Birth.Account()
	require.NoError(t, err)
	w.cert = receipt.Certificate{GlobalID: netID, Provider: w.provider, SessionKey: wrappers.PublicKey(w.b), Boot: [16]byte{3}, NotAfter: uint32(w.now.Add(24 * time.Hour).Unix())}
	return w
}

func (w *world) rotate() {
	var err error
	w.hpke, err = envelope.NewKeyPair()
	require.NoError(w.t, err)
}

func (w *world) Provider(context.Context, cocoon.Account) (wrappers.Provider, time.Time, error) {
	w.asked++
	return w.state, w.at, w.down
}

func (w *world) Judge(_ context.Context, _ []byte, s trust.Subject) (trust.Verdict, error) {
	require.Equal(w.t, w.cert.SessionKey, s.Session)
	require.Equal(w.t, registry, s.Registry)
	v := trust.Verdict{Session: wrappers.PublicKey(w.b), NotAfter: w.now.Add(20 * time.Hour), Proven: w.now, Keys: []trust.Key{{Public: w.hpke.Public(), NotAfter: w.now.Add(2 * time.Hour)}}}
	if w.verdict != nil {
		return w.verdict(v)
	}
	return v, nil
}

func (w *world) keys(context.Context) (stream.Keys, error) {
	w.fetched.Add(1)
	c, err := w.cert.Sign(w.key)
	return stream.Keys{Provider: w.provider, Worker: wrappers.PublicKey(w.key), Boot: stream.Boot{3}, Certificate: c.Bytes()}, err
}

func (w *world) trust(p trust.Policy) *trust.Trust {
	p.Registry = registry
	return trust.New(trust.Config{GlobalID: netID, Policy: p, Chain: w, Judge: w, Now: func() time.Time { return w.now }})
}

func (w *world) candidate() stream.Candidate {
	return stream.Candidate{Provider: w.provider, Worker: wrappers.PublicKey(w.key), Boot: stream.Boot{3}, KeyID: trust.KeyID(w.hpke.Public()), Price: price}
}

func (w *world) peer(t *trust.Trust) (*trust.Peer, error) {
	return t.Peer(w.t.Context(), w.candidate(), model, w.keys)
}

func TestTrust_ProofsAreRenewedAfterTenMinutesAndRefusedAfterAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tr := w.trust(trust.Policy{})
	look := func(after time.Duration) error {
		w.now = w.now.Add(after)
		_, err := w.peer(tr)
		return err
	}
	require.NoError(t, look(0))
	require.NoError(t, look(9*time.Minute))
	require.Equal(t, 1, w.asked, "nine minutes are fresh")
	w.at = w.now
	require.NoError(t, look(2*time.Minute))
	require.Equal(t, 2, w.asked)
	w.down = errors.New("no liteserver answers")
	require.NoError(t, look(57*time.Minute), "59 minutes will do where there is nothing newer")
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(look(2*time.Minute)), "61 will not")
	w.down, w.at = nil, w.now.Add(-61*time.Minute)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(look(time.Minute)), "nor will a liteserver that is an hour behind")
	w.at = w.now
	require.NoError(t, look(11*time.Second))
	w.state.Workers[0].Slashed = true
	w.at = w.now.Add(11 * time.Minute)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(look(11*time.Minute)), "a slash counts once it is seen")
}

func TestTrust_EachPartHasToHold(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world, *trust.Policy){
		"certificate of another network":  func(w *world, _ *trust.Policy) { w.cert.GlobalID++ },
		"certificate of another provider": func(w *world, _ *trust.Policy) { w.cert.Provider[0]++ },
		"certificate of another boot":     func(w *world, _ *trust.Policy) { w.cert.Boot[0]++ },
		"certificate that has expired":    func(w *world, _ *trust.Policy) { w.cert.NotAfter = uint32(w.now.Unix()) },
		"evidence of another session": func(w *world, _ *trust.Policy) {
			w.verdict = func(v trust.Verdict) (trust.Verdict, error) { v.Session[0]++; return v, nil }
		},
		"evidence that is refused": func(w *world, _ *trust.Policy) {
			w.verdict = func(v trust.Verdict) (trust.Verdict, error) { return v, cocoon.Forbidden.Errorf("debug") }
		},
		"evidence without keys": func(w *world, _ *trust.Policy) {
			w.verdict = func(v trust.Verdict) (trust.Verdict, error) { v.Keys = nil; return v, nil }
		},
		"a key that is not valid yet": func(w *world, _ *trust.Policy) {
			w.verdict = func(v trust.Verdict) (trust.Verdict, error) {
				v.Keys[0].NotBefore = w.now.Add(time.Second)
				return v, nil
			}
		},
		"another model": func(w *world, _ *trust.Policy) {
			model := w.state.Workers[0]
			model.Key = [32]byte{9}
			w.state.Workers[0] = model
		},
		"an owner who is denied":  func(_ *world, p *trust.Policy) { p.DenyOwners = []cocoon.Account{{1}} },
		"an owner not allowed":    func(_ *world, p *trust.Policy) { p.AllowOwners = []cocoon.Account{{2}} },
		"a region that is denied": func(_ *world, p *trust.Policy) { p.DenyRegions = []string{"eu-west"} },
		"a region not allowed":    func(_ *world, p *trust.Policy) { p.AllowRegions = []string{"us-east"} },
	} {
		w := newWorld(t)
		var p trust.Policy
		spoil(w, &p)
		_, err := w.peer(w.trust(p))
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "%s: %v", name, err)
	}
	w := newWorld(t)
	_, err := w.peer(w.trust(trust.Policy{MinStake: cocoon.TON(8)}))
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	_, err = w.peer(w.trust(trust.Policy{AllowOwners: []cocoon.Account{{1}}, AllowRegions: []string{"eu-west"}, MinStake: cocoon.TON(7)}))
	require.NoError(t, err)
	_, err = w.trust(trust.Policy{}).Peer(t.Context(), w.candidate(), cocoon.ModelID{1}, w.keys)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "a model it does not serve")
}

func TestTrust_KeysAreAskedForOnceUntilTheyAreReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tr := w.trust(trust.Policy{})
	_, err := w.peer(tr)
	require.NoError(t, err)
	var g errgroup.Group
	for range 20 {
		g.Go(func() error {
			_, err := w.peer(tr)
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, 1, w.fetched.Load())
	w.rotate()
	_, err = w.peer(tr)
	require.Error(t, err, "a key that was not there a moment ago")
	require.EqualValues(t, 1, w.fetched.Load(), "nobody makes us ask all the time")
	w.now, w.at = w.now.Add(time.Minute), w.now
	_, err = w.peer(tr)
	require.NoError(t, err)
	require.EqualValues(t, 2, w.fetched.Load())
	w.verdict = func(v trust.Verdict) (trust.Verdict, error) { return v, errors.New("no") }
	w.now = w.now.Add(21 * time.Hour)
	w.at = w.now
	for range 5 {
		_, err = w.peer(tr)
		require.Error(t, err, "the verdict is over")
	}
	require.EqualValues(t, 3, w.fetched.Load(), "a refusal is remembered for a while")
}

func TestPeer_EachContextIsForOnePrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.peer(w.trust(trust.Policy{}))
	require.NoError(t, err)
	id := w.candidate().KeyID
	require.NoError(t, p.Prepare(id, 3))
	seen := map[*envelope.Context]bool{}
	for range 5 { // three that were prepared, two that were not
		c, err := p.Context(id, w.now)
		require.NoError(t, err)
		require.False(t, seen[c])
		seen[c] = true
		wrap, secret, err := c.Wrap(envelope.Key{1}, []byte("aad"))
		require.NoError(t, err)
		key, same, err := w.hpke.Unwrap(wrap, []byte("aad"))
		require.NoError(t, err)
		require.True(t, key == envelope.Key{1} && same == secret)
	}
	_, err = p.Context(id, w.now.Add(2*time.Hour))
	require.Error(t, err, "the key is replaced by then")
	_, err = p.Context(id+1, w.now)
	require.Error(t, err)
}

func TestPolicy_OneOwnerHasOnePlaceInASet(t *testing.T) {
	t.Parallel()
	a, b, c := &trust.Peer{Owner: cocoon.Account{1}}, &trust.Peer{Owner: cocoon.Account{1}}, &trust.Peer{Owner: cocoon.Account{2}}
	require.Equal(t, []*trust.Peer{nil, a, nil, c}, trust.Policy{}.Distinct([]*trust.Peer{nil, a, b, c}))
	require.Equal(t, []*trust.Peer{a, b}, trust.Policy{SameOwner: true}.Distinct([]*trust.Peer{a, b}))
}
