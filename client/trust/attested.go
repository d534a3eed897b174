package trust

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Source reads what evidence is judged by. What it reads is proven; OnChain is the
// real one.
type Source interface {
	// Registry is the registry's state, and the block that it is proven under.
	Registry(ctx context.Context, a cocoon.Account) (wrappers.Registry, attest.Block, error)
	// Block is the masterchain block of that number.
	Block(ctx context.Context, seqno uint32) (attest.Block, error)
}

// Attested is a Judge by protocol/attest. Registry and blocks of the policy are
// looked up; all else in it is the client's choice.
type Attested struct {
	Policy attest.Policy
	Source Source
	Now    func() time.Time
	Cache  *attest.Cache

	mu       sync.Mutex
	registry attest.Registry
}

// known is the one block that claims name.
type known attest.Block

// Block is the block at seqno.
func (k known) Block(seqno uint32) (attest.Block, bool) { return attest.Block(k), seqno == k.Seqno }

// Judge verifies evidence of one run of a worker.
func (a *Attested) Judge(ctx context.Context, evidence []byte, s Subject) (Verdict, error) {
	e, err := attest.Parse(evidence)
	if err != nil {
		return Verdict{}, err
	}
	p := a.Policy
	if p.Registry, err = a.proven(ctx); err != nil {
		return Verdict{}, err
	}
	block, err := a.Source.Block(ctx, e.Claims.Block.Seqno)
	if err != nil {
		return Verdict{}, fmt.Errorf("block %d that the evidence names: %w", e.Claims.Block.Seqno, err)
	}
	p.Blocks = known(block)
	v, err := a.Cache.Verify(evidence, p, attest.Worker{Registry: s.Registry, Vault: s.Provider, Key: s.Worker, GPUs: s.GPUs, Time: s.Proven}, a.Now())
	if err != nil {
		return Verdict{}, err
	}
	if v.Boot != [16]byte(s.Boot) {
		return Verdict{}, cocoon.Forbidden.Errorf("the evidence is of another run of worker %x", s.Worker[:4])
	}
	verdict := Verdict{Session: v.Session, NotAfter: v.NotAfter, Proven: p.Registry.Time}
	for _, k := range v.Keys {
		if k.Use == attest.UseLive {
			verdict.Keys = append(verdict.Keys, Key{Public: k.Key, NotBefore: k.NotBefore.Add(-attest.Skew), NotAfter: k.NotAfter})
		}
	}
	return verdict, nil
}

// proven is the registry, read anew when it is older than FreshProof. Where that
// fails the policy refuses what is too old.
func (a *Attested) proven(ctx context.Context) (attest.Registry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Now().Sub(a.registry.Time) < FreshProof {
		return a.registry, nil
	}
	r, at, err := a.Source.Registry(ctx, a.Policy.Account)
	if err != nil {
		if a.registry.Account.IsZero() {
			return attest.Registry{}, fmt.Errorf("read the registry: %w", err)
		}
		return a.registry, nil
	}
	images := make(map[[32]byte]attest.Image, len(r.Images))
	for _, l := range r.Images {
		data, err := wrappers.Decode[wrappers.ImageData](l.Data)
		if err != nil {
			continue // an entry that is no image is none
		}
		image := attest.Image{Name: string(data.Name)}
		if l.SuspendedUntil > 0 {
			image.SuspendedUntil = time.Unix(int64(l.SuspendedUntil), 0)
		}
		images[l.Key] = image
	}
	a.registry = attest.Registry{GlobalID: a.Policy.GlobalID, Account: a.Policy.Account, Seqno: at.Seqno, Time: time.Unix(int64(at.Time), 0), Images: images}
	return a.registry, nil
}

// OnChain is Source over a connection that checks proofs.
type OnChain struct{ Client *chain.Client }

// Registry reads the registry at the newest masterchain block.
func (o OnChain) Registry(ctx context.Context, a cocoon.Account) (wrappers.Registry, attest.Block, error) {
	acc, err := o.Client.Account(ctx, a)
	if err != nil {
		return wrappers.Registry{}, attest.Block{}, err
	}
	if acc.State != chain.Active {
		return wrappers.Registry{}, attest.Block{}, cocoon.NotFound.Errorf("there is no contract at %s", a)
	}
	r, err := wrappers.DecodeRegistry(acc.Data)
	if err != nil {
		return r, attest.Block{}, err
	}
	at, err := o.block(ctx, acc.Block)
	return r, at, err
}

// Block looks a masterchain block up.
func (o OnChain) Block(ctx context.Context, seqno uint32) (attest.Block, error) {
	id, err := o.Client.LookupMaster(ctx, seqno)
	if err != nil {
		return attest.Block{}, err
	}
	return o.block(ctx, id)
}

func (o OnChain) block(ctx context.Context, id *chain.BlockID) (attest.Block, error) {
	at, err := o.Client.Time(ctx, id)
	if err != nil {
		return attest.Block{}, err
	}
	return attest.Block{Seqno: id.SeqNo, RootHash: [32]byte(id.RootHash), Time: uint32(at.Unix())}, nil
}
