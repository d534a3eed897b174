package attest

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// Verdict is what a client may believe of a worker until just before NotAfter.
type Verdict struct {
	Tier     Tier
	Image    [32]byte // its measurement; zero in the open tier
	TCB      Status   // the worst of platform, module and quoting enclave; empty without TDX
	PPID     [16]byte // of the platform; zero without TDX
	GPUs     []string // their models, sorted
	Worker   [32]byte
	Vault    cocoon.Account
	Session  [32]byte // whose receipts count
	Boot     [16]byte
	Keys     []PublicKey // those that are or become valid before NotAfter, at least one
	NotAfter time.Time
	Seqno    uint32 // of the masterchain block that the registry was proven under
}

// PublicKey is a key of a verdict, to be used from NotBefore until just before NotAfter.
type PublicKey struct {
	ID                  [32]byte
	Use                 Use
	NotBefore, NotAfter time.Time
	Key                 envelope.PublicKey
}

// Key is the newest key for use that is valid at now. The verdict itself has to
// be in force, else it is ErrExpired; a batch key outlives it.
func (v Verdict) Key(use Use, now time.Time) (PublicKey, error) {
	if !now.Before(v.NotAfter) {
		return PublicKey{}, because(ErrExpired, "the verdict ended %s", v.NotAfter.UTC().Format(time.RFC3339))
	}
	var best PublicKey
	for _, k := range v.Keys {
		if k.Use == use && !now.Add(Skew).Before(k.NotBefore) && now.Before(k.NotAfter) && k.NotBefore.After(best.NotBefore) {
			best = k
		}
	}
	if best.Use != use {
		return best, because(ErrKeys, "none of use %d is valid now", use)
	}
	return best, nil
}

// choose lists the keys that are or become valid, and ends v with the last of
// those for requests. It reports whether there is one.
func (v *Verdict) choose(keys []PublicKey, now time.Time) bool {
	var last time.Time
	for _, k := range keys {
		if !now.Before(k.NotAfter) || !k.NotBefore.Before(v.NotAfter) {
			continue
		}
		if k.Use == UseLive && k.NotAfter.After(last) {
			last = k.NotAfter
		}
		v.Keys = append(v.Keys, k)
	}
	v.NotAfter = earliest(v.NotAfter, last)
	return !last.IsZero()
}

// publicKeys reads the keys of c.
func (c Claims) publicKeys() ([]PublicKey, error) {
	keys := make([]PublicKey, 0, len(c.Keys))
	for _, k := range c.Keys {
		from, until := unix(k.NotBefore), unix(k.NotAfter)
		if k.NotAfter <= k.NotBefore || until.Sub(from) > k.Use.Lifetime() {
			return nil, because(ErrKeys, "a key of use %d from %d until %d", k.Use, k.NotBefore, k.NotAfter)
		}
		public, err := envelope.ParsePublicKey(k.Public[:])
		if err != nil {
			return nil, because(ErrKeys, "%v", err)
		}
		keys = append(keys, PublicKey{ID: k.ID(), Use: k.Use, NotBefore: from, NotAfter: until, Key: public})
	}
	return keys, nil
}
