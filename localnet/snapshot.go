package localnet

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/ton"
)

// Snapshot is a moment of a chain to come back to.
type Snapshot struct {
	head *ton.BlockIDExt
}

// Snapshot remembers the chain as it is now. It costs nothing, and is good as
// long as the block is kept.
func (c *Chain) Snapshot() Snapshot { return Snapshot{c.view().head.id} }

var errGone = errors.New("the chain does not hold that moment any more")

// Revert takes the chain back to a snapshot: the blocks after it never were,
// messages that wait are dropped, and others will be made in their place.
// Clients that follow the chain see it change its past, as no network does. Time
// does not go back.
func (c *Chain) Revert(s Snapshot) error {
	c.making.Lock()
	defer c.making.Unlock()
	if s.head == nil {
		return fmt.Errorf("revert: %w", errGone)
	}
	v := c.view()
	b := v.history.find(wholeMasterchain, s.head.SeqNo)
	if b == nil || b.state == nil || b.tops == nil || !bytes.Equal(b.id.RootHash, s.head.RootHash) {
		return fmt.Errorf("revert to masterchain block %d: %w", s.head.SeqNo, errGone)
	}
	if err := c.store.revert(b); err != nil {
		return fmt.Errorf("revert to masterchain block %d: %w", s.head.SeqNo, err)
	}
	c.stats, c.goal = nil, goalOf(b)
	c.pool.take()
	c.faucet.forget(errors.New("the chain was reverted"))
	c.publish(view{v.until(s.head.SeqNo), b})
	return nil
}
