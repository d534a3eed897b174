package dispatcher

import (
	"context"
	"crypto"
	"fmt"
	"os"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

// LedgerConfig says whether a ledger of interactive requests is kept, and how.
type LedgerConfig struct {
	Dir        string          // folder of its own; "" keeps none
	Keys       []crypto.Signer // Ed25519: receipt keys of the rewards contract, dispatcher keys of channels; old ones as long as numbers or channels have them
	Free       cocoon.Nano     // of a dispute allowance, before any share
	CloseDelay uint32          // seconds; a channel that leaves faster is not served
}

// DefaultLedgerConfig keeps none; where Dir and Keys are set it is as the network's rules have it.
func DefaultLedgerConfig() LedgerConfig {
	return LedgerConfig{Free: bound.Base(), CloseDelay: 6 * 3600}
}

// Validate reports what is missing.
func (c LedgerConfig) Validate() error {
	if c.Dir == "" {
		return nil
	}
	if len(c.Keys) == 0 || c.CloseDelay == 0 {
		return cocoon.Invalid.Errorf("a ledger needs a key, and a close delay above zero")
	}
	_, err := newKeyring(c.Keys)
	return err
}

// openLedger opens the ledger, if there is to be one.
func (d *Dispatcher) openLedger(ctx context.Context) (err error) {
	if d.cfg.Ledger.Dir == "" {
		return nil
	}
	if d.keys, err = newKeyring(d.cfg.Ledger.Keys); err != nil {
		return err
	}
	if err = os.MkdirAll(d.cfg.Ledger.Dir, 0o700); err != nil {
		return fmt.Errorf("make the ledger's folder: %w", err)
	}
	cfg := ledger.DefaultConfig()
	cfg.Dir, cfg.GlobalID, cfg.Rewards, cfg.Free = d.cfg.Ledger.Dir, d.cfg.GlobalID, d.cfg.Keeper.Rewards, d.cfg.Ledger.Free
	if cfg.Fee, err = d.settleFee(ctx); err != nil {
		return err
	}
	cfg.Signer, cfg.Now = d.keys, newChainClock(d.deps.Feed.Head, d.deps.Now, d.cfg.GlobalID).Now
	if d.ledger, err = ledger.Open(ctx, cfg); err != nil {
		return err
	}
	d.clerk = &clerk{cfg: d.cfg.Ledger, rewards: d.cfg.Keeper.Rewards, bps: d.cfg.Bps, deps: d.deps, log: d.log, relay: d.relay, ledger: d.ledger, keys: d.keys, daemons: &d.daemons,
		now: cfg.Now, present: func() []cocoon.Account { return d.daemons.present(d.link.up) }, news: news{all: true, rewards: true, channels: map[cocoon.Account]bool{}}}
	d.keeper.ledger, d.keeper.clerk = d.ledger, d.clerk
	return nil
}

// settleFee is what a settlement costs at most, which is the same for every channel.
func (d *Dispatcher) settleFee(ctx context.Context) (cocoon.Nano, error) {
	b := wrappers.ChannelBirth{Rewards: d.cfg.Keeper.Rewards}
	init, err := b.Init()
	if err != nil {
		return cocoon.Nano{}, err
	}
	account, err := b.Account()
	if err != nil {
		return cocoon.Nano{}, err
	}
	fees, err := wrappers.GetChannelFees(ctx, d.deps.Chain.Unborn(init), account)
	return fees.Settle, err
}

// Book signs what is owed and not settled, as of the newest block that the
// ledger knows; nothing is known before the first.
func (d *Dispatcher) Book() (receipt.SignedBook, error) {
	if d.ledger == nil {
		return receipt.SignedBook{}, cocoon.NotFound.Errorf("this dispatcher keeps no ledger")
	}
	seqno := d.clerk.seqno.Load()
	if seqno == 0 {
		return receipt.SignedBook{}, cocoon.Unreachable.Errorf("the ledger has not heard of the chain yet")
	}
	return d.ledger.Book(seqno)
}

// Figures are the ledger's books at this moment; without a ledger there are none.
func (d *Dispatcher) Figures() ledger.Figures {
	if d.ledger == nil {
		return ledger.Figures{}
	}
	return d.ledger.Figures()
}

// keeping is a ledger that runs until nobody needs it any more.
type keeping struct {
	stop  context.CancelFunc
	ended chan struct{}
	err   error
}

// keepLedger runs the ledger beyond ctx, until it is stopped.
func (d *Dispatcher) keepLedger(ctx context.Context) *keeping {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	k := &keeping{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(k.ended)
		if d.ledger != nil {
			k.err = d.ledger.Run(ctx)
		} else {
			<-ctx.Done()
		}
	}()
	return k
}

// watch returns the ledger's failure, or nil once ctx ends.
func (k *keeping) watch(ctx context.Context) error {
	select {
	case <-k.ended:
		return k.err
	case <-ctx.Done():
		return nil
	}
}
