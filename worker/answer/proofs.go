package answer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Chain is what answering needs of TON: state that is proven, as of a masterchain block.
type Chain interface {
	// Record is what the worker's provider registered of it. NotFound says that it
	// is not active any more.
	Record(ctx context.Context) (Record, error)
	// Dispatcher is the state of a rewards contract; Invalid where there is none.
	Dispatcher(ctx context.Context, rewards cocoon.Account) (Dispatcher, error)
}

// Record is a worker's own state.
type Record struct {
	Block    attest.Block
	Registry cocoon.Account
	Models   []wrappers.ModelOffer
}

// Dispatcher is the state of a dispatcher's rewards contract.
type Dispatcher struct {
	Block attest.Block
	Pot   cocoon.Nano
	wrappers.Rewards
}

// maxProof is the age at which proven state is not believed any more.
const maxProof = attest.MaxProofAge

// maxDispatchers bounds those a worker keeps the state of.
const maxDispatchers = 16

// proofs keep what the chain says up to date.
type proofs struct {
	cfg   Config
	chain Chain
	log   *slog.Logger
	clock func() time.Time

	mu      sync.Mutex
	own     Record
	known   map[cocoon.Account]*known
	changed chan struct{}  // closed and replaced when something new is known
	asked   chan struct{}  // somebody waits for a dispatcher
	blocks  []attest.Block // seen, the newest last
}

// known is a dispatcher, as far as it is.
type known struct {
	Dispatcher
	err     error // why there is no state
	book    receipt.SignedBook
	booked  bool
	pending []byte // a book whose key is not known yet
}

func newProofs(cfg Config, deps Deps) *proofs {
	p := &proofs{cfg: cfg, chain: deps.Chain, log: deps.Logger, clock: deps.Blocks, known: map[cocoon.Account]*known{},
		changed: make(chan struct{}), asked: make(chan struct{}, 1)}
	for _, a := range cfg.Rewards {
		p.known[a] = &known{}
	}
	return p
}

// run follows the chain until ctx ends.
func (p *proofs) run(ctx context.Context) {
	ticker := time.NewTicker(p.cfg.Refresh)
	defer ticker.Stop()
	p.refreshOwn(ctx)
	for all := true; ; {
		p.refresh(ctx, all)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			all = true
			p.refreshOwn(ctx)
		case <-p.asked:
			if all = p.outdated(); all {
				p.refreshOwn(ctx)
			}
		}
	}
}

func (p *proofs) refreshOwn(ctx context.Context) {
	r, err := p.chain.Record(ctx)
	if err != nil && cocoon.KindOf(err) != cocoon.NotFound {
		if ctx.Err() == nil {
			p.log.Warn("cannot prove this worker's record", "err", err)
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = r // none where the worker is not active any more
	p.see(r.Block)
	p.tell()
}

// refresh reads dispatchers: all, or those of which nothing is known.
func (p *proofs) refresh(ctx context.Context, all bool) {
	p.mu.Lock()
	var due []cocoon.Account
	for a, k := range p.known {
		if all || k.Block.Time == 0 && k.err == nil {
			due = append(due, a)
		}
	}
	p.mu.Unlock()
	for _, a := range due {
		d, err := p.chain.Dispatcher(ctx, a)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.log.Warn("cannot prove a dispatcher's state", "rewards", a, "err", err)
		}
		p.mu.Lock()
		if k := p.known[a]; err == nil {
			k.Dispatcher, k.err = d, nil
			p.see(d.Block)
			p.readPending(k)
		} else {
			k.err = err
		}
		p.tell()
		p.mu.Unlock()
	}
}

func (p *proofs) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

const seenBlocks = 16

// see notes a masterchain block, which tells how old a book is.
func (p *proofs) see(b attest.Block) {
	if n := len(p.blocks); b.Time == 0 || n > 0 && p.blocks[n-1].Seqno >= b.Seqno {
		return
	}
	p.blocks = append(p.blocks, b)
	p.blocks = p.blocks[max(0, len(p.blocks)-seenBlocks):]
}

// outdated reports whether the chain's time went on without a look at it: that of a
// local chain may jump.
func (p *proofs) outdated() bool {
	return p.clock().Sub(time.Unix(int64(p.recent().Time), 0)) >= 2*p.cfg.Refresh
}

// recent is the newest block seen, whose zero says that there is none.
func (p *proofs) recent() attest.Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.blocks) == 0 {
		return attest.Block{}
	}
	return p.blocks[len(p.blocks)-1]
}

// price is what the worker asks for a model by its own record.
func (p *proofs) price(model cocoon.ModelID) (cocoon.Price, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.fresh(p.own.Block, "this worker's record"); err != nil {
		return cocoon.Price{}, err
	}
	for _, m := range p.own.Models {
		if m.Model == model {
			return m.Price, nil
		}
	}
	return cocoon.Price{}, cocoon.NotFound.Errorf("the model is not in this worker's record")
}

func (p *proofs) fresh(b attest.Block, what string) error {
	if age := p.clock().Sub(time.Unix(int64(b.Time), 0)); b.Time == 0 || age >= maxProof {
		return cocoon.Unreachable.Errorf("there is no fresh proof of %s", what)
	}
	return nil
}

// state is what is proven of a dispatcher, however old. A new one is looked up, for
// as long as an order waits for that.
func (p *proofs) state(ctx context.Context, rewards cocoon.Account) (Dispatcher, error) {
	d, changed, err := p.stateNow(rewards)
	if changed == nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Lookup)
	defer cancel()
	for changed != nil {
		select {
		case <-changed:
			d, changed, err = p.stateNow(rewards)
		case <-ctx.Done():
			return Dispatcher{}, cocoon.Unreachable.Errorf("dispatcher %s is being looked up", rewards)
		}
	}
	return d, err
}

// stateNow is state without waiting: where nothing is known yet, changed is closed
// once there is something new.
func (p *proofs) stateNow(rewards cocoon.Account) (d Dispatcher, changed chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, err := p.know(rewards)
	switch {
	case err != nil:
		return d, nil, err
	case k.Block.Time != 0:
		return k.Dispatcher, nil, nil
	case k.err != nil:
		return d, nil, k.err
	}
	return d, p.changed, nil
}

// know is the entry of a dispatcher that this worker may serve.
func (p *proofs) know(rewards cocoon.Account) (*known, error) {
	k := p.known[rewards]
	switch {
	case k != nil:
		return k, nil
	case len(p.cfg.Rewards) > 0:
		return nil, cocoon.Forbidden.Errorf("dispatcher %s is not one of this worker's", rewards)
	case len(p.known) >= maxDispatchers:
		return nil, cocoon.Conflict.Errorf("worker serves %d dispatchers already", maxDispatchers)
	}
	k = &known{}
	p.known[rewards] = k
	poke(p.asked)
	return k, nil
}

// trusted is the state of a dispatcher that may be served.
func (p *proofs) trusted(ctx context.Context, rewards cocoon.Account) (Dispatcher, error) {
	d, err := p.state(ctx, rewards)
	if err != nil {
		return d, err
	}
	p.mu.Lock()
	err = p.trust(p.known[rewards], rewards)
	p.mu.Unlock()
	if err != nil && p.outdated() {
		poke(p.asked)
	}
	return d, err
}

// trust holds a dispatcher to the rules that make its receipts worth something.
func (p *proofs) trust(k *known, rewards cocoon.Account) error {
	if err := p.fresh(k.Block, "the dispatcher's state"); err != nil {
		return err
	}
	switch t := k.Terms; {
	case k.Birth.Registry != p.own.Registry:
		return cocoon.Forbidden.Errorf("dispatcher %s is of another registry", rewards)
	case t == nil:
		return cocoon.Forbidden.Errorf("dispatcher %s has taken no terms", rewards)
	case k.Bond.Cmp(t.MinBond.Nano) < 0:
		return cocoon.Forbidden.Errorf("dispatcher %s has a bond of %s, the least is %s", rewards, k.Bond, t.MinBond)
	case t.Epoch.NetworkBps > p.cfg.MaxFee:
		return cocoon.Forbidden.Errorf("dispatcher %s pays a fee of %d basis points, this worker allows %d", rewards, t.Epoch.NetworkBps, p.cfg.MaxFee)
	case k.Keys.Of(k.Number) == [32]byte{}:
		return cocoon.Forbidden.Errorf("dispatcher %s has no receipt key", rewards)
	}
	return p.solvent(k, rewards)
}

// solvent asks for a fresh book whose debts the pot and the bond back.
func (p *proofs) solvent(k *known, rewards cocoon.Account) error {
	if !k.booked || p.ageOf(k.book) >= bound.Stale {
		return cocoon.Forbidden.Errorf("dispatcher %s shows no book of the last %s", rewards, bound.Stale)
	}
	backing, err := bound.Fees(k.Terms.Epoch.NetworkBps).Backing(k.Pot, k.Bond)
	if err != nil {
		return err
	}
	if k.book.Earned.Cmp(backing) > 0 {
		return cocoon.Forbidden.Errorf("dispatcher %s owes %s, of which %s are backed", rewards, k.book.Earned, backing)
	}
	return nil
}

// blockTime is more than masterchain blocks take.
const blockTime = 10 * time.Second

// ageOf is how old a book is at most: since the newest block seen that is not
// newer than its own, or the first that was seen and blockTime for each before that.
func (p *proofs) ageOf(b receipt.SignedBook) time.Duration {
	if len(p.blocks) == 0 {
		return bound.Stale
	}
	seen := p.blocks[0]
	for _, later := range p.blocks[1:] {
		if later.Seqno <= b.Seqno {
			seen = later
		}
	}
	age := p.clock().Sub(time.Unix(int64(seen.Time), 0))
	if seen.Seqno > b.Seqno {
		age += time.Duration(min(seen.Seqno-b.Seqno, 1000)) * blockTime // more is too old anyway
	}
	return age
}

// takeBook takes a dispatcher's word on its debts.
func (p *proofs) takeBook(raw []byte) error {
	b, err := receipt.ParseBook(raw)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k, err := p.know(b.Rewards)
	if err != nil {
		return err
	}
	if k.Block.Time == 0 {
		k.pending = raw
		poke(p.asked)
		return nil
	}
	return p.enter(k, b)
}

func (p *proofs) readPending(k *known) {
	if k.pending == nil {
		return
	}
	b, err := receipt.ParseBook(k.pending)
	if k.pending = nil; err == nil {
		err = p.enter(k, b)
	}
	if err != nil {
		p.log.Warn("book refused", "rewards", b.Rewards, "err", err)
	}
}

func (p *proofs) enter(k *known, b receipt.SignedBook) error {
	if b.GlobalID != p.cfg.GlobalID || k.booked && b.Seqno < k.book.Seqno {
		return cocoon.Invalid.Errorf("a book of network %d at block %d", b.GlobalID, b.Seqno)
	}
	if err := b.Verify(k.Keys.Of(k.Number)); err != nil {
		return err
	}
	k.book, k.booked = b, true
	return nil
}
