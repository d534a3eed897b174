package dispatcher

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon/dispatcher/gateway"
)

// drainStreams is how long answers that run may take when the dispatcher stops.
const drainStreams = 30 * time.Second

// openGateway begins to serve daemons where a ledger is kept.
func (d *Dispatcher) openGateway() (err error) {
	if d.ledger == nil {
		return nil
	}
	cfg := gateway.DefaultConfig()
	cfg.Node, cfg.Rewards, cfg.Book = d.cfg.Node, d.cfg.Keeper.Rewards, d.cfg.BookEvery
	books := gateway.Books{Ledger: d.ledger, Now: d.clerk.now, Head: func() uint32 { return d.deps.Feed.Head().Seqno }, Promise: d.PromiseClose}
	d.gateway, err = gateway.Open(cfg, d.link.conn, books, d.roster, d.deps.Now, d.log)
	return err
}

// serveStreams serves daemons until ctx ends, and what runs then for a while longer.
func (d *Dispatcher) serveStreams(ctx context.Context) {
	if d.gateway == nil {
		return
	}
	draining, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainStreams, cancel) })()
	d.gateway.Run(ctx, draining)
}
