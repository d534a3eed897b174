package chain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// Policy is how much of what liteservers say has to be proven.
type Policy int

// Under both policies whatever is read is proven to be in a masterchain block.
const (
	Secure Policy = iota // the masterchain block itself too, by signatures from the trusted block on
	Fast                 // the masterchain block is taken on the liteserver's word
)

// Options of a Client; the zero value is a good choice.
type Options struct {
	Policy  Policy
	Timeout time.Duration    // of one question to one liteserver; 8 s
	Logger  *slog.Logger     // nobody
	Clock   func() time.Time // the wall clock; time.Now
	Random  io.Reader        // crypto/rand; calls to it are not serialised
}

// firstProof is how long the chain of proofs from the trusted block may take,
// which on an old network is many round trips.
const firstProof = 2 * time.Minute

// Client reads one network through its liteservers and falls back from one to
// the next. It is safe for concurrent use.
type Client struct {
	network Network
	opts    Options
	servers []*server
	prefer  atomic.Int32 // the server that answered last

	mu      sync.Mutex
	trusted *BlockID
	config  *Config // of the key block configAt
	keySeq  uint32

	life context.Context // ends with Close
	end  context.CancelFunc
}

// Dial connects to the network and makes sure that it is the one described: the
// same zero state and global id and, under Secure, a chain that leads on from
// the trusted block. Another network is Invalid, silence is Unreachable.
func Dial(ctx context.Context, n Network, o Options) (*Client, error) {
	if len(n.Liteservers) == 0 {
		return nil, cocoon.Invalid.Errorf("network %s lists no liteserver", n.Name)
	}
	if o.Policy == Secure && n.Trusted.SeqNo == 0 {
		return nil, cocoon.WithHint(cocoon.Invalid.Errorf("network %s trusts no key block, which proofs start from", n.Name),
			"set validator.init_block to a recent key block")
	}
	o.Timeout = max(o.Timeout, 0)
	if o.Timeout == 0 {
		o.Timeout = 8 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	c := &Client{network: n, opts: o, trusted: n.Trusted.Copy()}
	c.life, c.end = context.WithCancel(context.Background())
	for _, l := range n.Liteservers {
		c.servers = append(c.servers, &server{Liteserver: l, timeout: o.Timeout})
	}
	c.meet(ctx)
	if err := c.recognise(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Network is the network as described, with the global id the chain has.
func (c *Client) Network() Network { return c.network }

// Close ends every connection; questions under way fail.
func (c *Client) Close() {
	c.end()
	for _, s := range c.servers {
		s.close()
	}
}

// meet dials all servers at once and prefers the first that answers, so that
// silent ones cost no time.
func (c *Client) meet(ctx context.Context) {
	met := make(chan int, len(c.servers))
	for i, s := range c.servers {
		go func() {
			if _, err := s.connect(ctx); err != nil {
				i = -1
			}
			met <- i
		}()
	}
	for range c.servers {
		if i := <-met; i >= 0 {
			c.prefer.Store(int32(i))
			return
		}
	}
}

func (c *Client) recognise(ctx context.Context) error {
	head, err := c.head(ctx, 0, firstProof)
	if errors.Is(err, errUnproven) {
		err = cocoon.WithHint(cocoon.Invalid.Errorf("%w", err), "the trusted block of the network file may be of another chain; use the global.config.json of this one")
	}
	if err != nil {
		return fmt.Errorf("connect to network %s: %w", c.network.Name, err)
	}
	cfg, err := c.ConfigAt(ctx, head)
	if err != nil {
		return fmt.Errorf("connect to network %s: %w", c.network.Name, err)
	}
	if c.network.GlobalID != 0 && c.network.GlobalID != cfg.GlobalID {
		return wrongNetwork("the chain's global id is %d, the network file says %d", cfg.GlobalID, c.network.GlobalID)
	}
	c.network.GlobalID = cfg.GlobalID
	return nil
}

func wrongNetwork(format string, args ...any) error {
	return cocoon.WithHint(cocoon.Invalid.Errorf("another network: %w", fmt.Errorf(format, args...)),
		"use the global.config.json of the network these liteservers belong to")
}

// ask puts query to the servers in turn until one answers it. A server that
// says what cannot be proven counts as one that does not answer.
func (c *Client) ask(ctx context.Context, what string, timeout time.Duration, query func(context.Context, *ton.APIClient) error) error {
	var failures []error
	first := int(c.prefer.Load())
	for i := range c.servers {
		n := (first + i) % len(c.servers)
		err := c.servers[n].ask(ctx, timeout, query)
		if err == nil {
			c.prefer.Store(int32(n))
			return nil
		}
		if ctx.Err() != nil {
			return stopped(ctx, what)
		}
		c.opts.Logger.Debug("liteserver failed", "server", c.servers[n].Addr, "what", what, "error", err)
		failures = append(failures, fmt.Errorf("liteserver %s: %w", c.servers[n].Addr, err))
	}
	return gaveUp(what, failures)
}

func stopped(ctx context.Context, what string) error {
	err := fmt.Errorf("%s: %w", what, context.Cause(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		return cocoon.Unreachable.Errorf("%w", err)
	}
	return err
}

// gaveUp is the error after the last server failed.
func gaveUp(what string, failures []error) error {
	err := fmt.Errorf("%s: %w", what, errors.Join(failures...))
	var kinded *cocoon.Error
	if errors.As(err, &kinded) {
		return err
	}
	if slices.ContainsFunc(failures, isUnknownBlock) {
		return cocoon.NotFound.Errorf("%w", err)
	}
	return cocoon.WithHint(cocoon.Unreachable.Errorf("%w", err), "check the connection and the liteservers of the network file")
}

const (
	codeUnknownBlock = 651  // the server does not have that block
	codeWaitTimeout  = 652  // the block waited for has not come
	codeNotKept      = -400 // the server does not have that transaction
)

func isUnknownBlock(err error) bool {
	var ls ton.LSError
	return errors.Is(err, ton.ErrBlockNotFound) || errors.As(err, &ls) && ls.Code == codeUnknownBlock
}
