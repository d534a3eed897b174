package dispatcher

import (
	"time"

	"github.com/cocoon-network/cocoon/dispatcher/ledger"
)

// Ledger is for tests that play the gateway.
func (d *Dispatcher) Ledger() *ledger.Ledger { return d.ledger }

// Connected are the channels whose client is.
func (d *Dispatcher) Connected() int { return len(d.daemons.present(d.link.up)) }

// LedgerNow is the ledger's clock.
func (d *Dispatcher) LedgerNow() time.Time { return d.clerk.now() }
