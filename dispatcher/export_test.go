package dispatcher

import (
	"time"

	"github.com/cocoon-network/cocoon/dispatcher/ledger"
)

// Ledger is for tests that play the gateway.
func (d *Dispatcher) Ledger() *ledger.Ledger { return d.ledger }

// LedgerNow is the ledger's clock.
func (d *Dispatcher) LedgerNow() time.Time { return d.clerk.now() }
