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

// judge verifies what is cheap and depends on p, and asks open for the rest.
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
	if err := e.bound(); err != nil {
		return Verdict{}, err
	}
	claimsEnd, err := p.timely(e, now)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Tier: tier, Worker: c.Worker, Vault: c.Vault, Session: c.Session, Boot: c.Boot, NotAfter: earliest(proofEnd, claimsEnd), Seqno: p.Registry.Seqno}
	if tier != TierOpen {
		s, err := open()
		if err == nil {
			err = p.accepts(s, w, now)
		}
		if err != nil {
			return Verdict{}, err
		}
		v.show(s)
	}
	return v, v.addKeys(c.Keys, now)
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

// addKeys lists the keys that are or become valid, and ends v where no live key is left.
func (v *Verdict) addKeys(keys []Key, now time.Time) error {
	var last time.Time
	for _, k := range keys {
		from, until := unix(k.NotBefore), unix(k.NotAfter)
		if k.NotAfter <= k.NotBefore || until.Sub(from) > k.Use.Lifetime() {
			return because(ErrKeys, "a key of use %d from %d until %d", k.Use, k.NotBefore, k.NotAfter)
		}
		public, err := envelope.ParsePublicKey(k.Public[:])
		if err != nil {
			return because(ErrKeys, "%v", err)
		}
		if !now.Before(until) || !from.Before(v.NotAfter) {
			continue
		}
		if k.Use == UseLive && until.After(last) {
			last = until
		}
		v.Keys = append(v.Keys, PublicKey{ID: k.ID(), Use: k.Use, NotBefore: from, NotAfter: until, Key: public})
	}
	if last.IsZero() {
		return because(ErrKeys, "none for requests is valid")
	}
	v.NotAfter = earliest(v.NotAfter, last)
	return nil
}

// shown is what a statement shows, whatever a policy makes of it.
type shown struct {
	tee      TEE
	image    [32]byte
	tcb      []Status
	ppid     [16]byte
	gpus     []string
	notAfter time.Time // zero: does not end by itself
}

func (v *Verdict) show(s shown) {
	v.Image, v.PPID, v.GPUs = s.image, s.ppid, slices.Clone(s.gpus)
	if len(s.tcb) > 0 {
		v.TCB = worst(s.tcb...)
	}
	if !s.notAfter.IsZero() {
		v.NotAfter = earliest(v.NotAfter, s.notAfter)
	}
}

// open verifies the statement of e up to whom p trusts to sign such.
func (p Policy) open(e Evidence, now time.Time) (s shown, err error) {
	if e.Statement.TEE == TEESimulated {
		s.tee = TEESimulated
		s.image, err = openSimulated(e.Statement.Quote, p.Local.Simulator, e.Claims.ReportData())
		return s, err
	}
	if s, err = p.openTDX(e.Statement, e.Claims.ReportData(), now); err != nil || e.Statement.GPU == nil {
		return s, err
	}
	models, end, err := p.GPU.open(e.Statement.GPU, e.Claims.Hash(), now)
	s.gpus, s.notAfter = models, earliest(s.notAfter, end)
	return s, err
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
	out := shown{tee: TEETDX, image: q.image()}
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
