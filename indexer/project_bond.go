package indexer

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// income returns a bond, read as far as the contract does; the money itself is free anyway.
func (s *providerState) income(o *occurrence) error {
	rest, err := bodyAfter(o.body, 32+64)
	if err != nil {
		return err
	}
	return s.giveBack(rest, o.Value)
}

// giveBack reads a bond off rest, at most limit, and lets it be bonded again.
func (s *providerState) giveBack(rest *cell.Slice, limit cocoon.Nano) error {
	bond, err := rest.LoadBigCoins()
	if err != nil {
		return fmt.Errorf("%w: bond: %w", errUnread, err)
	}
	if bond.Cmp(limit.Big()) > 0 {
		bond = limit.Big()
	}
	if !s.Born || bond.Sign() == 0 {
		return nil
	}
	sum := bond.Add(bond, s.Allowance.Big())
	if sum.Cmp(maxCoins) > 0 {
		sum = maxCoins
	}
	s.Allowance, err = cocoon.NanoFromBig(sum)
	return err
}

var maxCoins = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 120), big.NewInt(1))

const opAccept = 0x177e34b4

// takeBack takes an accept that came back, or a question for terms.
func (s *providerState) takeBack(o *occurrence) error {
	op, rest, err := bounced(o.body)
	if err != nil {
		return err
	}
	if op == opAccept {
		most, err := cocoon.NanoFromBig(maxCoins)
		return errors.Join(err, s.giveBack(rest, most))
	}
	s.Born, s.Awaiting = true, key{}
	return nil
}

// bounced reads operation and fields of a message that came back: its first
// 256 bits, or all of it where the network bounces in the newer way.
func bounced(body *cell.Cell) (op uint64, rest *cell.Slice, err error) {
	if rest, err = bodyAfter(body, 0); err != nil {
		return 0, nil, err
	}
	tag, err := rest.LoadUInt(32)
	if err == nil && tag == 0xfffffffe {
		rest, err = rest.LoadRef()
	}
	if err == nil {
		op, err = rest.LoadUInt(32)
	}
	if err == nil {
		_, err = rest.LoadUInt(64)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return op, rest, nil
}

// bodyAfter is what follows so many bits of a body.
func bodyAfter(body *cell.Cell, bits uint) (*cell.Slice, error) {
	if body == nil {
		return nil, fmt.Errorf("%w: no body", errUnread)
	}
	s, err := body.BeginParse()
	if err == nil && bits > 0 {
		_, err = s.LoadSlice(bits)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return s, nil
}
