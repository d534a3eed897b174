package localnet

import (
	"errors"
	"fmt"
	"sync"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Limits of external messages, as mainnet has them.
const (
	maxExternalBytes = 65535
	maxExternalDepth = 512
	poolSize         = 1 << 14
)

var (
	// errNotAccepted: by the contract's own rules, or for lack of coin.
	errNotAccepted = errors.New("external message was not accepted")
	errPoolFull    = errors.New("too many messages wait for a block already")
)

// external is an external message and, after its block, what became of it.
type external struct {
	cell *cell.Cell
	tx   *cell.Cell // nil where there is none
	err  error
}

// pool holds the external messages that wait for a block.
type pool struct {
	wake chan struct{} // holds a token while there is work

	mu       sync.Mutex
	messages []*external
	seen     map[cell.Hash]bool
}

func newPool() *pool {
	return &pool{wake: make(chan struct{}, 1), seen: map[cell.Hash]bool{}}
}

func (p *pool) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// add takes a message once, however often it is sent.
func (p *pool) add(message *cell.Cell) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[message.HashKey()] {
		return nil
	}
	if len(p.messages) == poolSize {
		return errPoolFull
	}
	p.seen[message.HashKey()] = true
	p.messages = append(p.messages, &external{cell: message})
	p.signal()
	return nil
}

func (p *pool) take() []*external {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.messages
	p.messages, p.seen = nil, map[cell.Hash]bool{}
	return taken
}

// Push admits an external message, a bag of cells, to the next block. It tries
// the message and all that follows from it on the newest state first: what is
// malformed, is not accepted by its contract or would send anything out of the
// basechain is refused, and changes nothing.
func (c *Chain) Push(boc []byte) error {
	if len(boc) > maxExternalBytes {
		return fmt.Errorf("external message has %d bytes, at most %d are allowed", len(boc), maxExternalBytes)
	}
	message, err := cell.FromBOC(boc)
	if err != nil {
		return fmt.Errorf("parse external message: %w", err)
	}
	if message.Depth() > maxExternalDepth {
		return fmt.Errorf("external message is %d cells deep, at most %d are allowed", message.Depth(), maxExternalDepth)
	}
	if err = c.try(message); err != nil {
		return err
	}
	return c.pool.add(message)
}

// try executes a message on a draft that nobody will see.
func (c *Chain) try(message *cell.Cell) (err error) {
	// The executor has foreign bytes in its hands here.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("execute external message: %v", r)
		}
	}()
	if err = checkExternal(message); err != nil {
		return err
	}
	view := c.view()
	d, err := c.newDraft(view.lastShard(), nil, view.nextLT(), c.utime(view))
	if err != nil {
		return err
	}
	m := &external{cell: message}
	if err = d.fill(nil, []*external{m}); err != nil {
		return fmt.Errorf("external message refused: %w", err)
	}
	return m.err
}

// checkExternal refuses a message that parses but is more than a message.
func checkExternal(message *cell.Cell) error {
	if message.GetType() != cell.OrdinaryCellType {
		return errors.New("parse external message: the root cell is not ordinary")
	}
	s, err := message.BeginParse()
	if err != nil {
		return err
	}
	var m tlb.ExternalMessage
	if err = tlb.LoadFromCell(&m, s); err != nil {
		return fmt.Errorf("parse external message: %w", err)
	}
	if s.BitsLeft() != 0 || s.RefsNum() != 0 {
		return errors.New("parse external message: trailing data")
	}
	return nil
}
