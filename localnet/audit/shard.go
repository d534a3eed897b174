package audit

import (
	"fmt"
	"math/bits"
)

// masterchain is the workchain of the masterchain.
const masterchain = -1

// shard is a shard as block ids name it: the address prefix, then one bit 1,
// then zeros.
type shard struct {
	workchain int32
	prefix    uint64
}

// whole is the prefix of a shard that spans its workchain.
const whole = 1 << 63

func (s shard) String() string { return fmt.Sprintf("(%d,%016x)", s.workchain, s.prefix) }

// low is the bit that closes the prefix.
func (s shard) low() uint64 { return s.prefix & -s.prefix }

func (s shard) valid() bool {
	return s.prefix != 0 && s.length() <= 60 && (s.workchain != masterchain || s.prefix == whole)
}

// length of the address prefix, in bits.
func (s shard) length() int { return 63 - bits.TrailingZeros64(s.prefix) }

func (s shard) contains(p place) bool {
	return s.workchain == p.workchain && (s.prefix^p.prefix)&^(s.low()<<1-1) == 0
}

// covers tells whether o lies in s; every shard covers itself.
func (s shard) covers(o shard) bool {
	return s.low() >= o.low() && s.contains(place(o))
}

func (s shard) intersects(o shard) bool { return s.covers(o) || o.covers(s) }

func (s shard) parent() shard  { return shard{s.workchain, s.prefix - s.low() | s.low()<<1} }
func (s shard) left() shard    { return shard{s.workchain, s.prefix - s.low()>>1} }
func (s shard) right() shard   { return shard{s.workchain, s.prefix + s.low()>>1} }
func (s shard) sibling() shard { return shard{s.workchain, s.prefix ^ s.low()<<1} }
func (s shard) isRight() bool  { return s.prefix&(s.low()<<1) != 0 }

func (s shard) isParentOf(o shard) bool { return o.prefix != whole && o.parent() == s }

// place is where an address lies: its workchain and first 64 bits.
type place struct {
	workchain int32
	prefix    uint64
}

func (p place) String() string { return fmt.Sprintf("%d:%016x", p.workchain, p.prefix) }

// onTheWay is the place whose first n of 96 bits (32 of the workchain, 64 of the
// address) are the destination's and the rest the source's.
func onTheWay(from, to place, n int) place {
	switch {
	case n <= 0:
		return from
	case n >= 96:
		return to
	case n >= 32:
		rest := ^uint64(0) >> (n - 32)
		return place{to.workchain, to.prefix&^rest | from.prefix&rest}
	}
	rest := int32(^uint32(0) >> n)
	return place{to.workchain&^rest | from.workchain&rest, from.prefix}
}

// route is how a message that has come to a place inside s goes on by hypercube
// routing: how many bits of the destination its current and its next place have.
// As in block::perform_hypercube_routing of the reference node: to and from the
// masterchain at once, then to the right workchain, then four bits of the
// address at a time until the shard is left.
func route(at, to place, s shard) (cur, next int, err error) {
	switch {
	case !s.contains(at):
		return 0, 0, fmt.Errorf("%s is not in shard %s", at, s)
	case s.contains(to):
		return 96, 96, nil
	case at.workchain == masterchain || to.workchain == masterchain:
		return 0, 96, nil
	case at.workchain != to.workchain:
		return 0, 32, nil
	}
	n := bits.LeadingZeros64(at.prefix^to.prefix) &^ 3
	for {
		n += 4
		if !s.contains(onTheWay(at, to, 32+n)) {
			return 28 + n, 32 + n, nil
		}
	}
}

// nearness is how many of the 96 bits of a place are the destination's.
func nearness(p, to place) int {
	if p.workchain != to.workchain {
		return bits.LeadingZeros32(uint32(p.workchain ^ to.workchain))
	}
	return 32 + bits.LeadingZeros64(p.prefix^to.prefix)
}
