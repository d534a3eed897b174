package bundle

import (
	"bytes"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// Verify reads a bundle and checks it against the network's zero state, its
// global id where that is known, and above all its trusted block. It asks nobody.
func Verify(data []byte, n chain.Network) (Proven, error) {
	b, err := Parse(data)
	if err != nil {
		return Proven{}, err
	}
	return b.Verify(n)
}

// Verify is the function of that name for a bundle that was parsed.
func (b *Bundle) Verify(n chain.Network) (p Proven, err error) {
	defer func() {
		if broken := recover(); broken != nil { // the cell library on what only looks like a proof
			p, err = Proven{}, malformed("%v", broken)
		}
	}()
	if err = b.checkNetwork(n); err != nil {
		return Proven{}, err
	}
	if err = checkLinks(b.From, b.Links); err != nil {
		return Proven{}, err
	}
	head := b.Head()
	p = Proven{GlobalID: b.GlobalID, Block: *head.ID()}
	for i := range b.Accounts {
		m, err := b.Accounts[i].checkMaster(head, b.GlobalID)
		if err != nil {
			return Proven{}, err
		}
		a, err := b.Accounts[i].check(head, m)
		if err != nil {
			return Proven{}, err
		}
		p.Time = time.Unix(int64(m.time), 0)
		p.Accounts = append(p.Accounts, a)
	}
	if len(p.Accounts) == 0 {
		return Proven{}, malformed("it proves nothing")
	}
	return p, nil
}

func (b *Bundle) checkNetwork(n chain.Network) error {
	if n.GlobalID != 0 && n.GlobalID != b.GlobalID {
		return otherNetwork("its global id is %d, not %d", b.GlobalID, n.GlobalID)
	}
	if !bytes.Equal(n.ZeroState.RootHash, b.ZeroState[:]) {
		return otherNetwork("it began with %x, not %x", b.ZeroState, n.ZeroState.RootHash)
	}
	if !n.Trusted.Equals(b.From.ID()) {
		return cocoon.WithHint(cocoon.Invalid.Errorf("%w: it is block %d with root %x, trusted is block %d with root %x", ErrUntrusted,
			b.From.Seqno, b.From.Root, n.Trusted.SeqNo, n.Trusted.RootHash), "ask for one that starts from block %d", n.Trusted.SeqNo)
	}
	return nil
}

func otherNetwork(format string, args ...any) error {
	return cocoon.WithHint(cocoon.Invalid.Errorf("%w: %w", ErrNetwork, fmt.Errorf(format, args...)), "name the network it is of")
}
