package attest

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/go-tdx-guest/pcs"

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

// Verify judges e, which is of w, by p. All errors are one of this package's, and
// anything that is not known to be good is one. Nothing in p and w is checked but
// that it is of one network and registry, and recent: the caller has proven it.
func Verify(e Evidence, p Policy, w Worker, now time.Time) (Verdict, error) {
	return judge(e, p, w, now, func() (shown, error) { return p.open(e, now) })
}

// judge checks what depends on p and on the time, and asks open for the rest: signatures.
func judge(e Evidence, p Policy, w Worker, now time.Time, open func() (shown, error)) (Verdict, error) {
	c, tier := e.Claims, e.Tier()
	if err := e.Statement.whole(); err != nil {
		return Verdict{}, err
	}
	if e.Statement.TEE == TEESimulated {
		if err := p.Local.admits(p.GlobalID); err != nil {
			return Verdict{}, err
		}
	}
	if !slices.Contains(p.Tiers, tier) {
		return Verdict{}, because(ErrTier, "%q, of %q", tier, p.Tiers)
	}
	proofEnd, err := p.proven(w, now)
	if err != nil {
		return Verdict{}, err
	}
	if c.GlobalID != p.GlobalID {
		return Verdict{}, because(ErrNetwork, "the claims are of network %d, ours is %d", c.GlobalID, p.GlobalID)
	}
	if w.Key != c.Worker || w.Vault != c.Vault {
		return Verdict{}, because(ErrWorker, "worker %x of vault %s", c.Worker[:4], c.Vault)
	}
	claimsEnd, err := p.timely(e, now)
	if err != nil {
		return Verdict{}, err
	}
	s, err := open()
	if err == nil && tier != TierOpen {
		err = p.accepts(s, w, now)
	}
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Tier: tier, Worker: c.Worker, Vault: c.Vault, Session: c.Session, Boot: c.Boot, Seqno: p.Registry.Seqno,
		Image: s.image, PPID: s.ppid, GPUs: slices.Clone(s.gpus), NotAfter: earliest(proofEnd, claimsEnd, s.notAfter)}
	if len(s.tcb) > 0 {
		v.TCB = worst(s.tcb...)
	}
	if !v.choose(s.keys, now) {
		return Verdict{}, because(ErrKeys, "none for requests is valid")
	}
	return v, nil
}

// timely checks the times of e against now and the chain, and returns when it ends.
func (p Policy) timely(e Evidence, now time.Time) (time.Time, error) {
	c := e.Claims
	from, end := unix(c.NotBefore), earliest(unix(c.NotAfter), unix(e.Certificate.NotAfter))
	made := unix(c.Block.Time)
	if c.NotAfter <= c.NotBefore || unix(c.NotAfter).After(made.Add(Lifetime)) || made.After(from.Add(Skew)) {
		return end, because(ErrLifetime, "from %d until %d, under a block of %d", c.NotBefore, c.NotAfter, c.Block.Time)
	}
	if now.Add(Skew).Before(from) {
		return end, because(ErrEarly, "from %s", from.UTC().Format(time.RFC3339))
	}
	if !now.Before(end) {
		return end, because(ErrExpired, "ended %s", end.UTC().Format(time.RFC3339))
	}
	if p.Blocks == nil {
		return end, because(ErrBlock, "no blocks are known")
	}
	if known, ok := p.Blocks.Block(c.Block.Seqno); !ok || known != c.Block {
		return end, because(ErrBlock, "%d", c.Block.Seqno)
	}
	age := p.MaxAge
	if age <= 0 || age > Lifetime {
		age = Lifetime
	}
	if end = earliest(end, made.Add(age)); !now.Before(end) {
		return end, because(ErrStaleBlock, "%d, %s old", c.Block.Seqno, now.Sub(made).Round(time.Second))
	}
	return end, nil
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

// shown is what evidence shows, whatever a policy makes of it.
type shown struct {
	keys     []PublicKey
	tee      TEE
	image    [32]byte
	tcb      []Status
	ppid     [16]byte
	gpus     []string
	claimed  uint8     // how many GPUs the environment claims to have
	notAfter time.Time // of certificates, collateral and tokens; without any, that of the claims
}

// open verifies all signatures in e, up to whom p trusts to sign statements.
func (p Policy) open(e Evidence, now time.Time) (s shown, err error) {
	if err := e.bound(); err != nil {
		return s, err
	}
	keys, err := e.Claims.publicKeys()
	if err != nil {
		return s, err
	}
	data := e.Claims.ReportData()
	switch s.notAfter = unix(e.Claims.NotAfter); e.Statement.TEE {
	case TEESimulated:
		s.image, err = openSimulated(e.Statement.Quote, p.Local.Simulator, data)
	case TEETDX:
		s, err = p.openTDX(e.Statement, data, now)
	}
	if err == nil && e.Statement.GPU != nil {
		var end time.Time
		s.gpus, end, err = p.GPU.open(e.Statement.GPU, e.Claims.Hash(), now)
		s.notAfter = earliest(s.notAfter, end)
	}
	s.keys, s.tee, s.claimed = keys, e.Statement.TEE, e.Claims.GPUs
	return s, err
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

// openTDX verifies a quote, what it binds, and its collateral.
func (p Policy) openTDX(s Statement, data [64]byte, now time.Time) (shown, error) {
	q, err := splitQuote(s.Quote)
	if err != nil {
		return shown{}, err
	}
	chain, err := q.chain(p.root(), now)
	if err != nil {
		return shown{}, err
	}
	if err := q.flags(); err != nil {
		return shown{}, err
	}
	if !bytes.Equal(q.reportData(), data[:]) {
		return shown{}, ErrReportData
	}
	pck, err := pcs.PckCertificateExtensions(chain.PCKCertificate)
	if err != nil {
		return shown{}, because(ErrQuote, "%v", err)
	}
	out := shown{image: q.image()}
	if out.ppid, err = ppid(pck); err != nil {
		return shown{}, err
	}
	docs, err := s.Collateral.open(p.root(), chain, now)
	if err != nil {
		return shown{}, err
	}
	out.notAfter = earliest(docs.notAfter, chain.PCKCertificate.NotAfter, chain.IntermediateCertificate.NotAfter)
	out.tcb, err = docs.statuses(pck, q)
	return out, err
}
