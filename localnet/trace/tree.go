package trace

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
)

// Node is a transaction, the message that caused it and what followed from it.
type Node struct {
	Message     *Message     // nil where no message caused the transaction
	Transaction *Transaction // nil where End says why
	End         End
	Children    []*Node // one for each message sent, in their order
}

// End tells why a tree goes no further at a message.
type End string

// The ends of a tree. A node with a transaction has none.
const (
	Going   End = ""
	Pending End = "pending" // the message has not been delivered yet
	Outside End = "outside" // an event, which leaves the chain
	Cut     End = "cut"     // there may be more, but a limit is reached
)

// Limits bound a trace; time is bounded by its context.
type Limits struct {
	Depth        int // levels below the root; 0 means 100
	Transactions int // in all; 0 means 1000
}

func (l Limits) complete() Limits {
	if l.Depth <= 0 {
		l.Depth = 100
	}
	if l.Transactions <= 0 {
		l.Transactions = 1000
	}
	return l
}

// errPending says that a message has not been delivered yet, errFar that it was
// not within the limits.
var (
	errPending = errors.New("not delivered yet")
	errFar     = errors.New("not delivered within the limits")
)

// deliverer finds the transaction that took an internal message.
type deliverer interface {
	delivery(ctx context.Context, m *Message) (*Transaction, error)
}

// grow follows the messages of t, level by level, so that what a limit cuts is
// what happened last. After an error everything further is cut.
func grow(ctx context.Context, t *Transaction, d deliverer, l Limits) (root *Node, err error) {
	l = l.complete()
	root = &Node{Message: t.In, Transaction: t}
	level, count := []*Node{root}, 1
	for depth := 0; len(level) > 0; depth++ {
		var next []*Node
		for _, n := range level {
			for _, m := range n.Transaction.Out {
				child := &Node{Message: m, End: Cut}
				n.Children = append(n.Children, child)
				switch {
				case m.MsgType != tlb.MsgTypeInternal:
					child.End = Outside
				case err == nil && depth < l.Depth && count < l.Transactions:
					err = child.follow(ctx, d)
				}
				if child.Transaction != nil {
					count++
					next = append(next, child)
				}
			}
		}
		level = next
	}
	return root, err
}

// follow finds what became of the node's message.
func (n *Node) follow(ctx context.Context, d deliverer) (err error) {
	n.Transaction, err = d.delivery(ctx, n.Message)
	switch {
	case err == nil:
		n.End = Going
	case errors.Is(err, errPending):
		n.End, err = Pending, nil
	case errors.Is(err, errFar):
		err = nil
	}
	return err
}

// memory is a set of transactions by the hash of the message each took.
type memory map[[32]byte]*Transaction

func (m memory) delivery(_ context.Context, msg *Message) (*Transaction, error) {
	t := m[msg.Hash()]
	if t == nil {
		return nil, errPending
	}
	return t, nil
}

// Build puts transactions together, in whatever order they come: one tree for
// each that none of the others caused, by logical time.
func Build(l Limits, txs ...*Transaction) (roots []*Node) {
	took, sent := memory{}, map[[32]byte]bool{}
	for _, t := range txs {
		if t.In != nil && t.In.MsgType == tlb.MsgTypeInternal {
			took[t.In.Hash()] = t
		}
		for _, m := range t.Out {
			sent[m.Hash()] = true
		}
	}
	txs = slices.Clone(txs)
	slices.SortStableFunc(txs, func(a, b *Transaction) int { return cmp.Compare(a.LT, b.LT) })
	for _, t := range txs {
		if t.In == nil || !sent[t.In.Hash()] {
			n, _ := grow(context.Background(), t, took, l) // memory has no errors but errPending
			roots = append(roots, n)
		}
	}
	return roots
}

// Each yields every node of the tree, parents first.
func (n *Node) Each(yield func(*Node) bool) { n.each(yield) }

func (n *Node) each(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, c := range n.Children {
		if !c.each(yield) {
			return false
		}
	}
	return true
}
