// Package localnet is a whole TON chain in one process, for development and
// tests: a masterchain and a basechain of up to 16 shards that split and merge,
// executed by a real TVM, made into real blocks with valid proofs, signed by one
// validator key and served to any client over the liteserver protocol.
package localnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Chain is a running chain. All its methods may be called at once.
type Chain struct {
	cfg    Config
	log    *slog.Logger
	keys   keys
	clock  *clock
	faucet *faucet
	pool   *pool
	server *server
	// deliveries bounds the internal messages one block delivers; the rest waits
	// in the queue for the next.
	deliveries int

	making sync.Mutex // held while blocks are made; guards what follows
	stats  map[shardID]stats
	goal   goal
	pruned uint32 // masterchain blocks before this one are gone
	store  *store // nil where nothing is kept

	byHand handbook

	mu    sync.RWMutex
	now   view
	grown chan struct{} // closed when head moves

	stop    context.CancelFunc
	done    chan struct{} // closed when the chain has stopped
	stopErr error         // readable then
}

var errClosed = errors.New("the chain is closed")

// Start makes the genesis, listens and begins to make blocks. The chain stops
// when ctx ends or it is closed, and nothing of it is kept.
func Start(ctx context.Context, cfg Config) (*Chain, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("localnet: %w", err)
	}
	c, err := newChain(cfg)
	if err != nil {
		return nil, fmt.Errorf("localnet: %w", err)
	}
	if c.server, err = listen(c, cfg.Listen); err != nil {
		return nil, fmt.Errorf("localnet: %w", errors.Join(err, c.store.close()))
	}
	ctx, c.stop = context.WithCancel(ctx)
	go c.run(ctx)
	c.log.Info("localnet started", "addr", c.Addr(), "genesis", cfg.Genesis)
	return c, nil
}

// newChain makes the genesis, or opens the chain of Config.Data; nobody is
// served and no blocks follow yet.
func newChain(cfg Config) (*Chain, error) {
	keys, err := deriveKeys(cfg.Seed)
	if err != nil {
		return nil, err
	}
	c := &Chain{cfg: cfg, log: cfg.Logger, keys: keys, pool: newPool(), deliveries: deliveriesPerBlock,
		grown: make(chan struct{}), done: make(chan struct{})}
	if c.faucet, err = newFaucet(keys.faucet, cfg.GlobalID); err != nil {
		return nil, err
	}
	resumed, err := c.resume()
	if err == nil && !resumed {
		err = c.found()
	}
	if err != nil {
		return nil, errors.Join(err, c.store.close())
	}
	return c, nil
}

// found makes a new chain, with as many shards as are asked for.
func (c *Chain) found() (err error) {
	c.clock = startClock(c.cfg.Clock, c.cfg.Genesis)
	if c.goal, err = evenly(c.cfg.Shards); err != nil {
		return err
	}
	if err = c.genesis(); err != nil {
		return err
	}
	return c.untilReached()
}

// resume opens the chain of the data folder, and tells whether there is one.
func (c *Chain) resume() (bool, error) {
	if c.cfg.Data == "" {
		return false, nil
	}
	r := &restorer{chain: c, history: history{}}
	var err error
	if c.store, err = openStore(c.cfg.Data, c.cfg.Keep, r); err != nil {
		return false, fmt.Errorf("open the data folder: %w", err)
	}
	if r.head == nil {
		return false, nil
	}
	c.goal = goalOf(r.head)
	c.now, c.clock = view{r.history, r.head}, startClock(c.cfg.Clock, time.Unix(int64(r.head.utime), 0))
	if len(c.store.rounds) > 0 {
		c.pruned = c.store.rounds[0].seqno
	}
	c.log.Info("localnet resumed", "dir", c.cfg.Data, "seqno", r.head.id.SeqNo)
	if r.head.id.SeqNo < firstKey {
		return true, c.round()
	}
	return true, nil
}

// deliveriesPerBlock keeps contracts that answer each other without end from
// stopping the chain.
const deliveriesPerBlock = 1 << 13

// gather is how long the chain waits, in instant mode, for messages that arrive
// together with the first.
const gather = 2 * time.Millisecond

// run makes blocks until ctx ends.
func (c *Chain) run(ctx context.Context) {
	defer func() {
		c.making.Lock()
		c.stopErr = errors.Join(c.server.close(), c.store.close())
		c.making.Unlock()
		close(c.done)
	}()
	if c.cfg.Manual {
		<-ctx.Done()
		return
	}
	idle, wake := c.cfg.BlockTime, (chan struct{})(nil)
	if idle == 0 {
		idle, wake = c.cfg.Heartbeat, c.pool.wake
	}
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-wake:
			time.Sleep(gather)
		}
		timer.Reset(idle)
		if err := c.round(); err != nil {
			c.log.Error("no block was made", "error", err)
		}
	}
}

// Close stops the chain and waits until it has stopped.
func (c *Chain) Close() error {
	c.stop()
	<-c.done
	return c.stopErr
}

// Mine makes the next blocks now, of whatever waits, and returns when clients
// can see them.
func (c *Chain) Mine() error {
	select {
	case <-c.done:
		return errClosed
	default:
		return c.round()
	}
}

// MineAll makes blocks until nothing waits: no external message, no message
// between shards, no split or merge that was asked for.
func (c *Chain) MineAll() error {
	for {
		if err := c.Mine(); err != nil {
			return err
		}
		c.making.Lock()
		idle := !c.busy() && c.pool.empty()
		c.making.Unlock()
		if idle {
			return nil
		}
	}
}

// Now is the chain's time.
func (c *Chain) Now() time.Time { return c.clock.now() }

// Advance moves the chain's time forward and makes a block that shows it. It
// refuses to pass the wall clock: the room is what Config.Genesis left.
func (c *Chain) Advance(d time.Duration) error {
	if err := c.clock.advance(d); err != nil {
		return err
	}
	return c.Mine()
}

// Addr is where the liteserver listens, host:port.
func (c *Chain) Addr() string { return c.server.addr }

func (c *Chain) view() view {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.now
}

// watch is the chain as it is and a channel that closes when it has grown.
func (c *Chain) watch() (view, <-chan struct{}) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.now, c.grown
}

// publish shows the blocks made to everybody.
func (c *Chain) publish(v view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = v
	close(c.grown)
	c.grown = make(chan struct{})
}

// utime is the time a block after v would carry, in unix seconds.
func (c *Chain) utime(v view) uint32 { return max(v.head.utime, uint32(c.clock.now().Unix())) }
