package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// hash is the hash of a cell.
type hash = cell.Hash

// address of an account.
type address struct {
	workchain int32
	id        [32]byte
}

func (a address) String() string { return fmt.Sprintf("%d:%x", a.workchain, a.id) }

func (a address) place() place {
	return place{a.workchain, binary.BigEndian.Uint64(a.id[:])}
}

// message is what an auditor reads of a Message. A place takes anycast into
// account, an address does not.
type message struct {
	hash             hash
	kind             messageKind
	from, to         address
	fromAt, toAt     place
	value            money
	extraFlags, fees *big.Int // ihr_fee of old, fwd_fee; nanoTON
	lt               uint64   // created_lt; 0 for one that came from outside
}

type messageKind int

const (
	internal messageKind = iota
	externalIn
	externalOut
)

func loadMessage(c *cell.Cell) (*message, error) {
	s, err := c.BeginParse()
	if err != nil {
		return nil, err
	}
	m := &message{hash: c.HashKey()}
	outside, err := s.LoadBoolBit()
	if err != nil {
		return nil, err
	}
	if !outside {
		return m, m.loadInternal(s)
	}
	out, err := s.LoadBoolBit()
	if err != nil {
		return nil, err
	}
	if !out { // ext_in_msg_info$10 src:MsgAddressExt dest:MsgAddressInt
		m.kind = externalIn
		if err = skipExternal(s); err != nil {
			return nil, err
		}
		m.to, m.toAt, err = loadAddress(s)
		return m, err
	}
	m.kind = externalOut // ext_out_msg_info$11 src:MsgAddressInt dest:MsgAddressExt created_lt:uint64
	if m.from, m.fromAt, err = loadAddress(s); err != nil {
		return nil, err
	}
	if err = skipExternal(s); err != nil {
		return nil, err
	}
	m.lt, err = s.LoadUInt(64)
	return m, err
}

// loadInternal reads ihr_disabled:Bool bounce:Bool bounced:Bool src dest
// value:CurrencyCollection extra_flags:(VarUInteger 16) fwd_fee:Grams created_lt:uint64.
func (m *message) loadInternal(s *cell.Slice) (err error) {
	if err = s.SkipBits(3); err != nil {
		return err
	}
	if m.from, m.fromAt, err = loadAddress(s); err != nil {
		return err
	}
	if m.to, m.toAt, err = loadAddress(s); err != nil {
		return err
	}
	if m.value, err = loadMoney(s); err != nil {
		return err
	}
	if m.extraFlags, err = s.LoadBigCoins(); err != nil {
		return err
	}
	if m.fees, err = s.LoadBigCoins(); err != nil {
		return err
	}
	m.lt, err = s.LoadUInt(64)
	return err
}

var errAddress = errors.New("not an internal address of 256 bits")

// loadAddress reads addr_std$10 anycast:(Maybe Anycast) workchain_id:int8 address:bits256.
func loadAddress(s *cell.Slice) (a address, at place, err error) {
	tag, err := s.LoadUInt(2)
	if err != nil {
		return a, at, err
	}
	if tag != 0b10 {
		return a, at, errAddress
	}
	anycast, err := s.LoadBoolBit()
	if err != nil {
		return a, at, err
	}
	var depth, rewrite uint64
	if anycast {
		if depth, err = s.LoadUInt(5); err == nil {
			rewrite, err = s.LoadUInt(uint(depth))
		}
		if err != nil {
			return a, at, err
		}
	}
	workchain, err := s.LoadInt(8)
	if err != nil {
		return a, at, err
	}
	a.workchain = int32(workchain)
	if err = s.LoadSliceInto(a.id[:], 256); err != nil {
		return a, at, err
	}
	at = a.place()
	if depth > 0 {
		at.prefix = at.prefix<<depth>>depth | rewrite<<(64-depth)
	}
	return a, at, nil
}

// skipExternal reads addr_none$00 or addr_extern$01 len:(## 9).
func skipExternal(s *cell.Slice) error {
	tag, err := s.LoadUInt(2)
	if err != nil {
		return err
	}
	switch tag {
	case 0b00:
		return nil
	case 0b01:
		n, err := s.LoadUInt(9)
		if err != nil {
			return err
		}
		return s.SkipBits(uint(n))
	}
	return errors.New("not an external address")
}
