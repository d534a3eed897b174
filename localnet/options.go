package localnet

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Config is what a chain may be given. The zero value is good: instant mode on
// a free port of loopback, 30 days behind the wall clock.
type Config struct {
	// Seed decides every key of the chain, the faucet's too.
	Seed []byte
	// GlobalID tells networks apart; 0 means DefaultGlobalID.
	GlobalID int32
	// GlobalVersion is the version of the TVM; 0 means DefaultGlobalVersion.
	GlobalVersion uint32
	// Genesis is the chain's time when it starts, to the second. It must not be
	// ahead of Clock; what it is behind is the room Advance has. Zero means 30
	// days ago. Wallets that date their messages (valid_until) by the wall clock
	// work at any distance; those that check created_at, as highload v3, need none.
	Genesis time.Time
	// BlockTime is the time between rounds of blocks. Zero is the instant mode:
	// blocks are made when an external message arrives.
	BlockTime time.Duration
	// Heartbeat is, in instant mode, the time after which an empty block is made,
	// so that followers see time move; 0 means 1 s.
	Heartbeat time.Duration
	// Manual makes blocks only when Mine, MineAll, Advance or Reshard ask for them.
	Manual bool
	// Shards is how many shards the basechain has from the start, a power of two up
	// to 16; 0 means 1. Reshard changes it.
	Shards int
	// ShardBlocks is how many blocks of a shard lie at most between two masterchain
	// blocks; messages that wait together are spread over them. 0 means 2.
	ShardBlocks int
	// Workers is how many shards make blocks at the same time; 0 means as many as
	// there are processors. It changes nothing about the blocks.
	Workers int
	// Keep is how many masterchain blocks are kept, with the shard blocks under
	// them; a few more may be. 0 keeps all.
	Keep int
	// Listen is the liteserver's IPv4 address, host:port; port 0 is a free one.
	// Empty means 127.0.0.1:0.
	Listen string
	// Data is a folder that keeps the chain; empty keeps nothing. A folder that
	// holds one already is resumed: its time goes on where it stopped, and Genesis,
	// Shards, Accounts, Parameters and Special are its own. Seed and GlobalID must be those
	// it was made with.
	Data string
	// Accounts exist from the start, beside the faucet's wallet.
	Accounts []GenesisAccount
	// Parameters replace parameters of the config, such as those of a real
	// network; see ParseParameters. The chain sets those that name its validator,
	// its zerostate, its own contracts and its global id, whatever is asked for.
	Parameters map[uint32]*cell.Cell
	// Special are masterchain accounts that pay no gas and run tick-tock
	// transactions where their state says so.
	Special []*address.Address
	// Logger hears what happens; nil is silence.
	Logger *slog.Logger
	// Clock is the wall clock; nil means time.Now.
	Clock func() time.Time
}

// room is how far behind the wall clock a chain begins that is not told when.
const room = 30 * 24 * time.Hour

func (c *Config) complete() error {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	now := c.Clock()
	if c.Genesis.IsZero() {
		c.Genesis = now.Add(-room)
	}
	c.Genesis = c.Genesis.Truncate(time.Second)
	if c.Genesis.After(now) || c.Genesis.Unix() <= 0 || c.Genesis.Unix() > noRef-configLifetime {
		return fmt.Errorf("genesis %s is not in the past", c.Genesis)
	}
	if c.BlockTime < 0 || c.Heartbeat < 0 || min(c.ShardBlocks, c.Workers, c.Keep) < 0 {
		return fmt.Errorf("block time %s, heartbeat %s, %d shard blocks, %d workers and %d kept blocks: none may be negative",
			c.BlockTime, c.Heartbeat, c.ShardBlocks, c.Workers, c.Keep)
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.GlobalID == 0 {
		c.GlobalID = DefaultGlobalID
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = time.Second
	}
	if c.ShardBlocks == 0 {
		c.ShardBlocks = 2
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// TB is what New needs of a test.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// New starts a chain for a test, in instant mode where options say nothing
// else, and closes it when the test ends.
func New(t TB, options ...func(*Config)) *Chain {
	t.Helper()
	var cfg Config
	for _, option := range options {
		option(&cfg)
	}
	c, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Fatalf("close the chain: %v", err)
		}
	})
	return c
}
