package attest

import (
	"slices"
	"time"
)

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
