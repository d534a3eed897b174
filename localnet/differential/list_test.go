package differential

import (
	"errors"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// nodes are the cells of an action list, the last action first.
func nodes(list *cell.Cell) (all []*cell.Cell) {
	for ; list != nil && list.RefsNum() > 0 && !list.IsSpecial(); list = list.MustPeekRef(0) {
		all = append(all, list)
	}
	return all
}

// messagesOf are the messages of an action list, the last first.
func messagesOf(list *cell.Cell) (all []*cell.Cell) {
	for _, node := range nodes(list) {
		if m, ok := messageOf(node); ok {
			all = append(all, m)
		}
	}
	return all
}

func messageOf(node *cell.Cell) (*cell.Cell, bool) {
	if node.RefsNum() < 2 || node.BitsSize() < 40 || node.MustBeginParse().MustLoadUInt(32) != 0x0ec3c86d {
		return nil, false
	}
	return node.MustPeekRef(1), true
}

// malformed tells whether an action of the list is not what the scheme says.
func malformed(list *cell.Cell) bool {
	for _, node := range nodes(list) {
		s := node.MustBeginParse()
		var action tlb.OutList
		if tlb.LoadFromCell(&action, s) != nil || s.BitsLeft() != 0 || s.RefsNum() != 0 {
			return true
		}
		if m, ok := messageOf(node); ok {
			if _, err := relaxed(m); err != nil {
				return true
			}
		}
	}
	return false
}

// relaxed reads a message that is to be sent, and refuses what the scheme does:
// more than the message, a number with a zero in front, an internal message to
// no internal address.
func relaxed(c *cell.Cell) (m tlb.MessageRelaxed, err error) {
	if c.IsSpecial() {
		return m, errors.New("the message is an exotic cell")
	}
	s := c.MustBeginParse()
	if err = tlb.LoadFromCell(&m, s); err != nil {
		return m, err
	}
	if s = c.MustBeginParse(); s.MustLoadUInt(1) == 1 {
		return m, nil
	}
	s.MustLoadUInt(3)
	_, err1 := s.LoadAddr()
	to, err2 := s.LoadAddr()
	if err = errors.Join(err1, err2); err != nil {
		return m, err
	}
	if to.Type() != address.StdAddress && to.Type() != address.VarAddress {
		return m, errors.New("the message goes to no internal address")
	}
	return m, canonical(s)
}

// canonical reads value, extra_flags and fwd_fee.
func canonical(s *cell.Slice) error {
	for _, extra := range []bool{true, false, false} {
		size := s.MustLoadUInt(4)
		if size > 0 && s.Copy().MustLoadUInt(8) == 0 {
			return errors.New("a number begins with zero")
		}
		if _, err := s.LoadSlice(uint(size * 8)); err != nil {
			return err
		}
		if extra {
			if _, err := s.LoadMaybeRef(); err != nil {
				return err
			}
		}
	}
	return nil
}
