package attest

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Registry is what the caller has proven of the registry contract.
type Registry struct {
	GlobalID int32 // of the network that the proof is of
	Account  cocoon.Account
	Seqno    uint32    // of the masterchain block that the proof is under
	Time     time.Time // of that block
	Images   map[[32]byte]Image
}

// Image is an entry of the registry's list.
type Image struct {
	Name           string
	SuspendedUntil time.Time // the zero time: never suspended
}

// Worker is what the caller has proven of a worker: an active record of a vault.
type Worker struct {
	Registry cocoon.Account // that the vault is born under
	Vault    cocoon.Account
	Key      [32]byte  // W
	GPUs     int       // as registered
	Time     time.Time // of the block that the proof is under
}

// Blocks knows masterchain blocks that the caller has checked.
type Blocks interface {
	// Block is the block at seqno; false where it is not known.
	Block(seqno uint32) (Block, bool)
}

// Policy is what a client accepts. The zero Policy accepts nothing.
type Policy struct {
	GlobalID int32          // of our network
	Account  cocoon.Account // our registry
	Registry Registry       // as proven, at most MaxProofAge ago
	Blocks   Blocks

	Tiers     []Tier        // asked for by name
	TCB       []Status      // allowed; none means UpToDate alone. Revoked never is
	Platforms [][16]byte    // PPIDs that are refused
	GPUModels []string      // allowed, as "GH100": the first word of what a GPU calls itself
	MaxAge    time.Duration // of the block in claims; 0 and more than Lifetime mean Lifetime

	GPU   GPUKeys
	Root  *x509.Certificate // of quotes and collateral; nil is IntelRoot
	Local Local             // where simulated evidence counts
}

// root is whom quotes are signed under.
func (p Policy) root() *x509.Certificate {
	if p.Root != nil {
		return p.Root
	}
	return IntelRoot()
}

// anchors is a hash of whom p trusts to sign statements: what a statement shows
// depends on that alone, and on time.
func (p Policy) anchors() [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%x|%d|%x|%q", sha256.Sum256(p.root().Raw), p.Local.GlobalID, p.Local.Simulator, p.GPU.Issuer)
	for _, id := range sortedKeys(p.GPU) {
		point, _ := p.GPU.Keys[id].Bytes() // a key that has none verifies nothing
		fmt.Fprintf(h, "|%q %x", id, point)
	}
	return [32]byte(h.Sum(nil))
}

func sortedKeys(k GPUKeys) []string {
	ids := make([]string, 0, len(k.Keys))
	for id, key := range k.Keys {
		if key != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// proven reports why the caller's proofs are not those of our network, or too old.
func (p Policy) proven(w Worker, now time.Time) (notAfter time.Time, err error) {
	if p.Registry.GlobalID != p.GlobalID {
		return notAfter, because(ErrNetwork, "the registry's proof is of network %d, ours is %d", p.Registry.GlobalID, p.GlobalID)
	}
	if p.Account.IsZero() || p.Registry.Account != p.Account || w.Registry != p.Account {
		return notAfter, because(ErrRegistry, "registry %s, vault of %s, ours is %s", p.Registry.Account, w.Registry, p.Account)
	}
	for _, at := range []time.Time{p.Registry.Time, w.Time} {
		if age := now.Sub(at); age >= MaxProofAge || age < -Skew {
			return notAfter, because(ErrStaleProof, "made %s ago", age.Round(time.Second))
		}
	}
	return earliest(p.Registry.Time, w.Time).Add(MaxProofAge), nil
}

// accepts reports why p does not accept what a statement shows.
func (p Policy) accepts(s shown, w Worker, now time.Time) error {
	image, listed := p.Registry.Images[s.image]
	switch {
	case !listed:
		return because(ErrImage, "%x", s.image)
	case now.Before(image.SuspendedUntil):
		return because(ErrSuspended, "%q until %s", image.Name, image.SuspendedUntil.UTC().Format(time.RFC3339))
	case slices.Contains(p.Platforms, s.ppid) && s.tee == TEETDX:
		return because(ErrPlatform, "PPID %x", s.ppid)
	}
	for _, status := range s.tcb {
		if !p.allows(status) {
			return because(ErrTCB, "%s", status)
		}
	}
	if s.gpus == nil {
		return nil
	}
	if len(s.gpus) != w.GPUs || len(s.gpus) != int(s.claimed) {
		return because(ErrGPU, "tokens of %d GPUs, %d are claimed and %d registered", len(s.gpus), s.claimed, w.GPUs)
	}
	for _, model := range s.gpus {
		if word, _, _ := strings.Cut(model, " "); !slices.Contains(p.GPUModels, word) {
			return because(ErrGPUModel, "%.32q", model)
		}
	}
	return nil
}

func (p Policy) allows(s Status) bool {
	if len(p.TCB) == 0 {
		return s == UpToDate
	}
	return s != Revoked && slices.Contains(statuses, s) && slices.Contains(p.TCB, s)
}
