package dispatcher

import (
	"context"
	"crypto"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
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
	cfg := ledger.DefaultConfig()
	cfg.Dir, cfg.GlobalID, cfg.Rewards, cfg.Free = d.cfg.Ledger.Dir, d.cfg.GlobalID, d.cfg.Keeper.Rewards, d.cfg.Ledger.Free
	d.ledgerClock = newChainClock(d.deps, d.cfg.GlobalID).Now
	cfg.Signer, cfg.Now = d.keys, d.ledgerClock
	d.ledger, err = ledger.Open(ctx, cfg)
	return err
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
