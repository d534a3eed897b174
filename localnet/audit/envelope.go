package audit

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// envelope is a message on its way.
type envelope struct {
	hash      hash
	msg       *message
	cur, next int      // how many of 96 bits of the destination these places have
	fee       *big.Int // fwd_fee_remaining, nanoTON
	emitted   uint64   // emitted_lt, or created_lt of the message where it has none
	deferred  bool     // it has an emitted_lt
}

func (e *envelope) at() place     { return onTheWay(e.msg.fromAt, e.msg.toAt, e.cur) }
func (e *envelope) nextAt() place { return onTheWay(e.msg.fromAt, e.msg.toAt, e.next) }

// key of the envelope in a queue: next hop's workchain and prefix, message hash.
func (e *envelope) key() queueKey { return queueKey{e.nextAt(), e.msg.hash} }

// carried is what moves with the message from block to block: its value and the
// fee not yet collected. Before global version 12 extra_flags was a fee as well
// (get_ihr_fee of the reference node).
func (e *envelope) carried(version uint32) money {
	m := e.msg.value.plus(coins(e.fee))
	if version < 12 {
		m = m.plus(coins(e.msg.extraFlags))
	}
	return m
}

func loadEnvelope(c *cell.Cell) (*envelope, error) {
	s, err := c.BeginParse()
	if err != nil {
		return nil, err
	}
	tag, err := s.LoadUInt(4)
	if err != nil {
		return nil, err
	}
	if tag != 4 && tag != 5 {
		return nil, fmt.Errorf("tag %d is not an envelope's", tag)
	}
	e := &envelope{hash: c.HashKey()}
	for _, n := range []*int{&e.cur, &e.next} {
		// a regular intermediate address, $0 use_dest_bits:(#<= 96); nodes write no other kind
		bits, err := s.LoadUInt(8)
		if err != nil {
			return nil, err
		}
		if bits > 96 {
			return nil, errors.New("an intermediate address that is not regular")
		}
		*n = int(bits)
	}
	if e.fee, err = s.LoadBigCoins(); err != nil {
		return nil, err
	}
	body, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	if e.msg, err = loadMessage(body); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if e.msg.kind != internal {
		return nil, errors.New("an envelope around an external message")
	}
	e.emitted = e.msg.lt
	if tag == 5 {
		if e.deferred, err = s.LoadBoolBit(); err == nil && e.deferred {
			e.emitted, err = s.LoadUInt(64)
		}
	}
	return e, err
}
