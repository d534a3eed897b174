package localnet

import (
	"errors"
	"fmt"
	"sync"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
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
	to   fullID
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
func (p *pool) add(m *external) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[m.cell.HashKey()] {
		return nil
	}
	if len(p.messages) == poolSize {
		return errPoolFull
	}
	p.seen[m.cell.HashKey()] = true
	p.messages = append(p.messages, m)
	p.signal()
	return nil
}

func (p *pool) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.messages) == 0
}

func (p *pool) take() []*external {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.messages
	p.messages, p.seen = nil, map[cell.Hash]bool{}
	return taken
}

// Push admits an external message, a bag of cells, to the next block, as a node
// does: what is malformed, or is not accepted by its contract in the newest
// state, is refused and changes nothing.
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
	m, err := newExternal(message)
	if err != nil {
		return err
	}
	if err = c.try(m); err != nil {
		return err
	}
	return c.pool.add(m)
}

// try asks the contract whether it would accept a message.
func (c *Chain) try(m *external) (err error) {
	// The executor has foreign bytes in its hands here.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("execute external message: %v", r)
		}
	}()
	v := c.view()
	l, err := openLane(v.holder(m.to).accounts, m.to)
	if err != nil {
		return err
	}
	prepared, err := tvm.PrepareMessage(m.cell)
	if err != nil {
		return fmt.Errorf("prepare external message: %w", err)
	}
	lt := (v.lastLT()/ltStep + 1) * ltStep
	context, err := v.head.rules.context(c.utime(v), lt, randSeed(c.keys.validator, wholeMasterchain, lt), v.past(v.head))
	if err != nil {
		return err
	}
	accepted, err := tvm.NewTVM().CheckExternalMessageAccepted(context, l.account, prepared, tvm.TransactionOptions{LogicalTime: int64(lt + 1)})
	if err != nil {
		return fmt.Errorf("execute external message: %w", err)
	}
	if !accepted {
		return errNotAccepted
	}
	return nil
}

// newExternal refuses a message that parses but is more than a message.
func newExternal(message *cell.Cell) (*external, error) {
	if message.GetType() != cell.OrdinaryCellType {
		return nil, errors.New("parse external message: the root cell is not ordinary")
	}
	s, err := message.BeginParse()
	if err != nil {
		return nil, err
	}
	var m tlb.ExternalMessage
	if err = tlb.LoadFromCell(&m, s); err != nil {
		return nil, fmt.Errorf("parse external message: %w", err)
	}
	if s.BitsLeft() != 0 || s.RefsNum() != 0 {
		return nil, errors.New("parse external message: trailing data")
	}
	to, err := parseAddress(m.DstAddr)
	if err != nil {
		return nil, fmt.Errorf("external message: destination: %w", err)
	}
	return &external{cell: message, to: to}, nil
}
