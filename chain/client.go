package chain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// Client reads one network through its liteservers: the fastest that is sound
// first, a second one where that is late, the next where one fails. It is safe
// for concurrent use.
type Client struct {
	network Network
	opts    Options
	servers []*server
	turn    atomic.Uint32 // of second servers that wait for a block
	hedges  atomic.Int64  // earned second servers, times share

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
	c.hedges.Store(saved)
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

// meet dials all servers at once and returns when the first is there. How long
// that took is the first that is known of each, so that silent ones come last.
func (c *Client) meet(ctx context.Context) {
	met := make(chan error, len(c.servers))
	for _, s := range c.servers {
		go func() {
			began := time.Now()
			s.health.begin(question{})
			_, err := s.connect(ctx)
			switch {
			case err == nil:
				s.health.good(question{}, time.Since(began))
			case ctx.Err() != nil:
				s.health.neutral(question{})
			default:
				s.health.failed(question{})
			}
			met <- err
		}()
	}
	for range c.servers {
		if <-met == nil {
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

const (
	codeUnknownBlock = 651  // the server does not have that block
	codeWaitTimeout  = 652  // the block waited for has not come
	codeNotKept      = -400 // the server does not have that transaction
)

func isUnknownBlock(err error) bool {
	var ls ton.LSError
	return errors.Is(err, ton.ErrBlockNotFound) || errors.As(err, &ls) && ls.Code == codeUnknownBlock
}
