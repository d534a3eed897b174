package receipt

import "github.com/cocoon-network/cocoon"

// Equivocates reports whether a and b cannot both be true: one number, another
// content. Signed by one session key, they cost the worker its share of the stake.
func Equivocates(a, b Usage) bool { return a.Scope == b.Scope && a.Content != b.Content }

// Equivocation is the evidence that a worker's session signed two receipts for
// one number.
type Equivocation struct {
	Worker        [32]byte
	Certificate   SignedCertificate
	First, Second SignedUsage
}

// Verify reports why the provider's contract would refuse e as evidence, which is
// Forbidden. Whether the worker is still known there, and was not reported yet,
// the caller looks up.
func (e Equivocation) Verify() error {
	if err := e.Certificate.Verify(e.Worker); err != nil {
		return err
	}
	for _, r := range []SignedUsage{e.First, e.Second} {
		if err := r.Verify(e.Certificate.SessionKey); err != nil {
			return err
		}
	}
	u, c := e.First, e.Certificate
	if u.GlobalID != c.GlobalID || u.Provider != c.Provider || u.Worker != e.Worker || u.Boot != c.Boot {
		return cocoon.Forbidden.Errorf("receipt %d is not of the certified session", u.Number)
	}
	if !Equivocates(e.First.Usage, e.Second.Usage) {
		return cocoon.Forbidden.Errorf("receipts %d and %d contradict nothing", e.First.Number, e.Second.Number)
	}
	return nil
}
