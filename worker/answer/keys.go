package answer

import (
	"context"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// renew is how old shown evidence gets: it lives for 24 hours.
const renew = 6 * time.Hour

// keys are what prompts are encrypted to, and how that is shown.
type keys struct {
	cfg     Config
	w       [32]byte
	session *attest.Session
	quoter  attest.Quoter
	clock   func() time.Time
	block   func() attest.Block // newest that was proven

	showing sync.Mutex // evidence is made once

	mu      sync.Mutex
	ids     map[uint32][32]byte // of all keys that were ever drawn; a few a day
	last    uint32              // of the newest
	shown   []byte              // stream.Keys; nil after a rotation
	shownAt time.Time
}

// rotate draws keys that are due and has the session certified anew with them.
func (k *keys) rotate() error {
	now := k.clock()
	drawn, err := k.session.Rotate(now)
	if err != nil || !drawn {
		return err
	}
	cert, err := k.session.Request(now.Add(attest.Lifetime)).Sign(k.cfg.Key)
	if err == nil {
		err = k.session.Certify(cert)
	}
	if err != nil {
		return err
	}
	c, err := k.session.Claims(attest.Block{Time: uint32(now.Unix())}, now) // for the keys in it alone
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range c.Keys {
		if key.Use == attest.UseLive {
			k.last = stream.KeyID(key.ID())
			k.ids[k.last] = key.ID()
		}
	}
	k.shown = nil
	return nil
}

// newest names the key that was drawn last.
func (k *keys) newest() uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// private is a key that prompts may still be encrypted to.
func (k *keys) private(id uint32) (envelope.PrivateKey, bool) {
	k.mu.Lock()
	whole, is := k.ids[id]
	k.mu.Unlock()
	if !is {
		return envelope.PrivateKey{}, false
	}
	return k.session.Private(whole, k.clock())
}

// show is stream.Keys, made anew after a rotation and every few hours.
func (k *keys) show(ctx context.Context) ([]byte, error) {
	k.showing.Lock()
	defer k.showing.Unlock()
	now := k.clock()
	k.mu.Lock()
	shown, at, newest := k.shown, k.shownAt, k.last
	k.mu.Unlock()
	if shown != nil && now.Sub(at) < renew {
		return shown, nil
	}
	block := k.block()
	if block.Time == 0 {
		return nil, cocoon.Unreachable.Errorf("no masterchain block is proven yet")
	}
	e, err := k.session.Evidence(ctx, k.quoter, block, now)
	if err != nil {
		return nil, err
	}
	raw := stream.Keys{Provider: k.cfg.Provider, Worker: k.w, Boot: k.session.Boot(), Certificate: e.Certificate.Bytes(), Evidence: e.Bytes()}.Bytes()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == newest { // else it names too few keys for the next who asks
		k.shown, k.shownAt = raw, now
	}
	return raw, nil
}
