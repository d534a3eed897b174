package localnet

import (
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// hand is what no network lets anybody do: something that the next block of a
// shard does without a message that asks for it. It may be applied more than
// once until the block is made.
type hand struct {
	what  string
	at    fullID
	apply func(*draft) error
	done  chan error // takes one value
}

// handbook is what is to be done by hand in the next round.
type handbook struct {
	mu    sync.Mutex
	hands []*hand
}

func (h *handbook) add(one *hand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hands = append(h.hands, one)
}

// takeHands gives every shard what is to be done by hand.
func (c *Chain) takeHands(r *round) []*hand {
	c.byHand.mu.Lock()
	defer c.byHand.mu.Unlock()
	taken := c.byHand.hands
	c.byHand.hands, r.hands = nil, map[shardID][]*hand{}
	for _, h := range taken {
		shard := r.shardOf(h.at)
		r.hands[shard] = append(r.hands[shard], h)
	}
	return taken
}

// do makes the round that applies a hand. What a hand refuses fails that round:
// nothing of it is kept.
func (c *Chain) do(h *hand) error {
	h.done = make(chan error, 1)
	c.byHand.add(h)
	if err := c.Mine(); err != nil {
		return err
	}
	return <-h.done
}

// SetAccount gives an account another state, or none where the state holds no
// coin and no contract, in a block made for it. No transaction tells of that:
// the block mints or burns the difference, and everything else about it is
// right. Its address is that of the state.
func (c *Chain) SetAccount(g GenesisAccount) error {
	id, err := g.id()
	if err != nil {
		return fmt.Errorf("set account: %w", err)
	}
	err = c.do(&hand{what: "set account " + id.address().String(), at: id, apply: func(d *draft) error { return d.setAccount(id, g) }})
	if err != nil {
		return fmt.Errorf("set account: %w", err)
	}
	return nil
}

// setAccount puts a state in the place of an account's own.
func (d *draft) setAccount(id fullID, g GenesisAccount) error {
	t, err := d.touch(id.accountID)
	if err != nil {
		return err
	}
	old := t.account.ShardAccount()
	next := noAccount()
	if g.State != nil || g.Code != nil || g.Nano.Sign() > 0 {
		c, err := g.cell(id, d.utime)
		if err != nil {
			return err
		}
		if err = tlb.Parse(next, c); err != nil {
			return err
		}
		next.LastTransHash, next.LastTransLT = old.LastTransHash, old.LastTransLT
	}
	prepared, err := tvm.PrepareAccount(next, id.address())
	if err != nil {
		return err
	}
	d.balanceBooks(t.account.State(), prepared.State())
	t.lane = lane{account: prepared}
	d.touched[id.accountID] = t
	return nil
}

// balanceBooks mints or burns what an account holds more or less than before.
func (d *draft) balanceBooks(before, after *tlb.AccountState) {
	holds := func(s *tlb.AccountState) *big.Int {
		if s == nil || !s.IsValid {
			return new(big.Int)
		}
		return s.Balance.Nano()
	}
	diff := new(big.Int).Sub(holds(after), holds(before))
	if diff.Sign() > 0 {
		d.minted.Add(d.minted, diff)
	} else {
		d.burned.Sub(d.burned, diff)
	}
}

// Message is an internal message that Impersonate sends.
type Message struct {
	From, To *address.Address
	Nano     *big.Int // nanoTON, made of nothing
	Bounce   bool
	Body     *cell.Cell     // nil is an empty one
	Init     *tlb.StateInit // deploys the receiver where there is none
}

// Impersonate delivers an internal message that nobody sent, in the name of any
// account, and returns the transaction it led to. Its sender need not exist and
// pays nothing: the block mints the value.
func (c *Chain) Impersonate(m Message) (*tlb.Transaction, error) {
	tx, err := c.impersonate(m)
	if err != nil {
		return nil, fmt.Errorf("impersonate %v: %w", m.From, err)
	}
	return tx, nil
}

func (c *Chain) impersonate(m Message) (*tlb.Transaction, error) {
	if _, err := parseAddress(m.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	to, err := parseAddress(m.To)
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	if !isAmount(m.Nano) {
		return nil, fmt.Errorf("%v nanoTON is not an amount", m.Nano)
	}
	var result *cell.Cell
	err = c.do(&hand{what: "impersonate", at: to, apply: func(d *draft) (err error) {
		result, err = d.inject(m)
		return err
	}})
	if err != nil {
		return nil, err
	}
	var tx tlb.Transaction
	if err = tlb.Parse(&tx, result); err != nil {
		return nil, err
	}
	tx.Hash = result.Hash()
	return &tx, nil
}

var errNoTransaction = errors.New("the message led to no transaction")

// inject delivers a message out of nowhere. Its logical time is that of the
// block's start, which nothing else has.
func (d *draft) inject(m Message) (*cell.Cell, error) {
	body := m.Body
	if body == nil {
		body = cell.BeginCell().EndCell()
	}
	msg := &tlb.InternalMessage{IHRDisabled: true, Bounce: m.Bounce, SrcAddr: m.From, DstAddr: m.To, Amount: tlb.FromNanoTON(m.Nano),
		CreatedLT: d.startLT, CreatedAt: d.utime, StateInit: m.Init, Body: body}
	c, err := tlb.ToCell(msg)
	if err != nil {
		return nil, err
	}
	l, err := newLetter(c, msg, nil, noRoot)
	if err != nil {
		return nil, err
	}
	before := len(d.txs)
	d.minted.Add(d.minted, m.Nano)
	if err = d.deliver(l); err != nil {
		return nil, err
	}
	if len(d.txs) == before {
		return nil, errNoTransaction
	}
	return d.txs[before].cell, nil
}
