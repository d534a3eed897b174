package ledger

import (
	"bytes"
	"context"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// Leaf is what an epoch's tree has to pay a provider at least.
type Leaf struct {
	Provider cocoon.Account
	Amount   cocoon.Nano
}

// Leaves closes a number, once and for all its attempts, and returns what its
// tree has to pay, ascending by provider; what is owed from then on is of the
// next, for which nothing is promised before this one is open. It is a Conflict
// where the pot cannot pay them: settle first.
func (l *Ledger) Leaves(ctx context.Context, number uint32) ([]Leaf, error) {
	l.mu.Lock()
	leaves, b, err := l.close(number)
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return leaves, l.journal.wait(ctx, b)
}

func (l *Ledger) close(n uint32) ([]Leaf, *batch, error) {
	s := l.state
	if n != s.Facts.Number || n > s.Number {
		return nil, nil, cocoon.Conflict.Errorf("close number %d: the next epoch is %d", n, s.Facts.Number)
	}
	of := s.numbers[n]
	if of == nil {
		of = &number{}
	}
	b := l.journal.pending()
	if n == s.Number {
		if pot := s.Facts.Fees.Rest(s.Facts.Pot); of.payable.Cmp(pot) > 0 {
			return nil, nil, cocoon.WithHint(cocoon.Conflict.Errorf("close number %d: %s are owed, the pot pays %s", n, of.payable, pot), "settle channels first")
		}
		var err error
		if b, err = l.do(&numbered{Number: n + 1}); err != nil {
			return nil, nil, err
		}
	}
	leaves := make([]Leaf, 0, len(of.claims))
	for provider, c := range of.claims {
		if !c.Payable.IsZero() {
			leaves = append(leaves, Leaf{provider, c.Payable})
		}
	}
	slices.SortFunc(leaves, func(a, b Leaf) int { return bytes.Compare(a.Provider[:], b.Provider[:]) })
	return leaves, b, nil
}

// Owed is what a number's leaves would sum up to now.
func (l *Ledger) Owed(n uint32) cocoon.Nano {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.state.numbers[n]; of != nil {
		return of.payable
	}
	return cocoon.Nano{}
}

// Book signs what is earned and not opened, and what is not settled, as of the
// facts of a masterchain block.
func (l *Ledger) Book(seqno uint32) (receipt.SignedBook, error) {
	l.mu.Lock()
	_, earned := l.state.unopened()
	n, b := min(l.state.Number, l.state.Opened+1), receipt.Book{GlobalID: l.cfg.GlobalID, Rewards: l.cfg.Rewards, Seqno: seqno, Earned: earned, Unsettled: l.state.unsettled}
	l.mu.Unlock()
	if n == 0 {
		return receipt.SignedBook{}, cocoon.Conflict.Errorf("sign a book: nothing is known of the rewards contract yet")
	}
	return sign(l.cfg.Signer, n, b, func(s [64]byte) receipt.SignedBook { return receipt.SignedBook{Book: b, Signature: s} })
}
