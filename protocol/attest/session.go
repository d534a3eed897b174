package attest

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// Quoter has a TEE make a statement that binds claims.
type Quoter interface {
	Quote(ctx context.Context, c Claims) (Statement, error)
}

// NoTEE is the Quoter of the open tier: it states nothing.
type NoTEE struct{}

// Quote implements Quoter.
func (NoTEE) Quote(context.Context, Claims) (Statement, error) { return Statement{TEE: TEENone}, nil }

// Identity is for whom a session works.
type Identity struct {
	GlobalID int32
	Vault    cocoon.Account
	Worker   [32]byte // W
	GPUs     uint8    // in confidential mode, as found at boot
}

// Session holds the keys that a worker makes in its environment at each boot and
// never stores. It is safe for concurrent use.
type Session struct {
	id   Identity
	boot [16]byte
	key  ed25519.PrivateKey // B

	mu   sync.Mutex
	cert receipt.SignedCertificate
	keys []held // oldest first
}

// held is an encryption key with its private half.
type held struct {
	Key
	private envelope.PrivateKey
}

// grace is how long a private key is kept after its end, for what was encrypted just before.
const grace = 10 * time.Minute

// NewSession draws a session key and a boot id from random.
func NewSession(random io.Reader, id Identity) (*Session, error) {
	var seed [ed25519.SeedSize + 16]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, cocoon.Internal.Errorf("draw a session key: %w", err)
	}
	return &Session{id: id, key: ed25519.NewKeyFromSeed(seed[:ed25519.SeedSize]), boot: [16]byte(seed[ed25519.SeedSize:])}, nil
}

// String keeps keys out of logs and errors.
func (s *Session) String() string { return fmt.Sprintf("session of boot %x", s.boot[:4]) }

// GoString keeps keys out of logs and errors.
func (s *Session) GoString() string { return s.String() }

// Boot is the id of this run.
func (s *Session) Boot() [16]byte { return s.boot }

// Signer signs receipts.
func (s *Session) Signer() ed25519.PrivateKey { return s.key }

// Request is the certificate that W is asked to sign, good until notAfter.
func (s *Session) Request(notAfter time.Time) receipt.Certificate {
	return receipt.Certificate{GlobalID: s.id.GlobalID, Provider: s.id.Vault, SessionKey: [32]byte(s.key.Public().(ed25519.PublicKey)), Boot: s.boot, NotAfter: uint32(notAfter.Unix())}
}

// Certify takes the signed certificate. It refuses one that is not of this session by W.
func (s *Session) Certify(cert receipt.SignedCertificate) error {
	if want := s.Request(unix(cert.NotAfter)); cert.Certificate != want {
		return because(ErrCertificate, "the certificate is of another network, vault, session or boot")
	}
	if err := cert.Verify(s.id.Worker); err != nil {
		return because(ErrCertificate, "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert = cert
	return nil
}

// Rotate draws the keys that are due at now, and forgets those whose time is over.
// It reports whether there is a new one, which new evidence has to name. Call it
// at least every few minutes.
func (s *Session) Rotate(now time.Time) (drawn bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k held) bool { return !now.Before(unix(k.NotAfter).Add(grace)) })
	for _, use := range []Use{UseLive, UseBatch} {
		newest := time.Time{}
		for _, k := range s.keys {
			if k.Use == use {
				newest = unix(k.NotBefore)
			}
		}
		if now.Sub(newest) < use.Lifetime()/2 {
			continue
		}
		private, err := envelope.NewKeyPair()
		if err != nil {
			return drawn, err
		}
		k := Key{Use: use, NotBefore: uint32(now.Unix()), NotAfter: uint32(now.Add(use.Lifetime()).Unix()), Public: [envelope.PublicKeySize]byte(private.Public().Bytes())}
		s.keys, drawn = append(s.keys, held{k, private}), true
	}
	return drawn, nil
}

// Private is the key named id, for as long as anything may be encrypted to it.
func (s *Session) Private(id [32]byte, now time.Time) (envelope.PrivateKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.ID() == id && now.Before(unix(k.NotAfter).Add(grace)) {
			return k.private, true
		}
	}
	return envelope.PrivateKey{}, false
}

// Claims are those of s at now, under a recent block. They end with the block's
// Lifetime or with the certificate.
func (s *Session) Claims(block Block, now time.Time) (Claims, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := earliest(unix(block.Time).Add(Lifetime), unix(s.cert.NotAfter))
	if !now.Before(end) {
		return Claims{}, cocoon.WithHint(cocoon.Conflict.Errorf("make claims: the certificate or the block is too old"), "have the session key certified, and follow the chain")
	}
	c := Claims{GlobalID: s.id.GlobalID, Vault: s.id.Vault, Worker: s.id.Worker, Session: s.cert.SessionKey, Boot: s.boot, GPUs: s.id.GPUs, Block: block,
		NotBefore: uint32(now.Unix()), NotAfter: uint32(end.Unix())}
	for _, k := range s.keys {
		if now.Before(unix(k.NotAfter)) {
			c.Keys = append(c.Keys, k.Key)
		}
	}
	if len(c.Keys) == 0 || len(c.Keys) > MaxKeys {
		return Claims{}, cocoon.Conflict.Errorf("make claims: %d valid keys", len(c.Keys))
	}
	return c, nil
}

// Evidence is what s shows at now: claims under block, signed, and bound by what quoter states.
func (s *Session) Evidence(ctx context.Context, quoter Quoter, block Block, now time.Time) (Evidence, error) {
	c, err := s.Claims(block, now)
	if err != nil {
		return Evidence{}, err
	}
	statement, err := quoter.Quote(ctx, c)
	if err != nil {
		return Evidence{}, err
	}
	data := c.ReportData()
	s.mu.Lock()
	defer s.mu.Unlock()
	return Evidence{Claims: c, Certificate: s.cert, Signature: [64]byte(ed25519.Sign(s.key, data[:])), Statement: statement}, nil
}
