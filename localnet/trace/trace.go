// Package trace shows what a message did: the transaction that took it, with
// its phases, messages, gas and exit code, and all that followed, as a tree. It
// reads transactions from memory or from the blocks of any TON network, and
// executes one again where its log is wanted.
package trace

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Transaction is one transaction with the cells of its messages, by whose
// hashes traces are put together.
type Transaction struct {
	tlb.Transaction
	Account *address.Address
	Cell    *cell.Cell
	In      *Message   // nil where no message caused it, as in tick-tock
	Out     []*Message // in the order they were sent
}

// Message is one message as it is in the chain.
type Message struct {
	tlb.Message
	Cell *cell.Cell
}

// Hash is the representation hash of the message.
func (m *Message) Hash() [32]byte { return m.Cell.HashKey() }

// internal is the message where it goes from contract to contract, else nil.
func (m *Message) internal() *tlb.InternalMessage {
	in, _ := m.Msg.(*tlb.InternalMessage)
	return in
}

// Parse reads a transaction. Whatever bytes c was made of, what is no
// transaction is an error.
func Parse(c *cell.Cell) (t *Transaction, err error) {
	if c == nil {
		return nil, errors.New("parse a transaction: no cell")
	}
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%v", broken)
		}
		if err != nil {
			t, err = nil, fmt.Errorf("parse transaction %x: %w", c.Hash(), err)
		}
	}()
	t = &Transaction{Cell: c}
	if err = tlb.Parse(&t.Transaction, c); err != nil {
		return nil, err
	}
	t.Hash = c.Hash()
	io, err := c.PeekRef(0)
	if err != nil {
		return nil, err
	}
	if err = t.loadMessages(io); err != nil {
		return nil, err
	}
	t.Account = address.NewAddress(0, byte(t.workchain()), t.AccountAddr)
	return t, nil
}

// loadMessages reads in_msg:(Maybe ^Message) out_msgs:(HashmapE 15 ^Message).
func (t *Transaction) loadMessages(io *cell.Cell) error {
	s, err := io.BeginParse()
	if err != nil {
		return err
	}
	caused, err := s.LoadBoolBit()
	if err != nil {
		return err
	}
	if caused {
		if t.In, err = loadMessage(s); err != nil {
			return fmt.Errorf("message in: %w", err)
		}
	}
	sent, err := s.LoadDict(15)
	if err != nil || sent == nil {
		return err
	}
	list, err := sent.LoadAll()
	if err != nil {
		return err
	}
	for i, kv := range list {
		m, err := loadMessage(kv.Value)
		if err != nil {
			return fmt.Errorf("message %d out: %w", i, err)
		}
		t.Out = append(t.Out, m)
	}
	return nil
}

func loadMessage(s *cell.Slice) (*Message, error) {
	c, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	m := &Message{Cell: c}
	return m, tlb.Parse(&m.Message, c)
}

// workchain is told by the messages: a transaction itself does not know it.
// Without any it is a tick or a tock, of which there are none but in the
// masterchain, or one that only collects rent.
func (t *Transaction) workchain() int32 {
	if t.In != nil {
		if to := t.In.Msg.DestAddr(); isStd(to) {
			return to.Workchain()
		}
	}
	for _, m := range t.Out {
		if from := m.Msg.SenderAddr(); isStd(from) {
			return from.Workchain()
		}
	}
	if _, special := t.Description.(tlb.TransactionDescriptionTickTock); special {
		return address.MasterchainID
	}
	return 0
}

func isStd(a *address.Address) bool {
	return a != nil && a.Type() == address.StdAddress && len(a.Data()) == 32
}

// sent reports whether the transaction sent m.
func (t *Transaction) sent(m *Message) bool {
	for _, out := range t.Out {
		if out.Hash() == m.Hash() {
			return true
		}
	}
	return false
}

// took reports whether the transaction executed m.
func (t *Transaction) took(m *Message) bool { return t.In != nil && t.In.Hash() == m.Hash() }

// has reports whether the transaction or one of its messages has a hash that
// begins so. An external message also goes by its normalised hash, which does
// not depend on how its body is stored.
func (t *Transaction) has(prefix []byte) bool {
	if bytes.HasPrefix(t.Cell.Hash(), prefix) || t.In != nil && t.In.has(prefix) {
		return true
	}
	for _, m := range t.Out {
		if m.has(prefix) {
			return true
		}
	}
	return false
}

func (m *Message) has(prefix []byte) bool {
	if bytes.HasPrefix(m.Cell.Hash(), prefix) {
		return true
	}
	ext, ok := m.Msg.(*tlb.ExternalMessage)
	return ok && isStd(ext.DstAddr) && bytes.HasPrefix(ext.NormalizedHash(), prefix)
}
