package localnet

import (
	"fmt"
	"math/bits"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const (
	basechainID   int32 = 0
	masterchainID int32 = -1
	// maxShardDepth keeps every shard a neighbour of every other, so that messages
	// never change trains: shards are told apart within the first hexadecimal digit.
	maxShardDepth = 4
)

// shardID names a shard: its workchain and the first bits of its accounts,
// followed by a one and zeros.
type shardID struct {
	workchain int32
	prefix    uint64
}

var (
	wholeBasechain   = shardID{basechainID, 1 << 63}
	wholeMasterchain = shardID{masterchainID, 1 << 63}
)

func (s shardID) String() string { return fmt.Sprintf("%d:%016x", s.workchain, s.prefix) }

// end is the one bit after the prefix.
func (s shardID) end() uint64 { return s.prefix & -s.prefix }

func (s shardID) depth() int { return 63 - bits.TrailingZeros64(s.prefix) }

// mask has the bits of the prefix set.
func (s shardID) mask() uint64 { return ^(s.end()<<1 - 1) }

// contains tells whether an address is of the shard.
func (s shardID) contains(p place) bool {
	return s.workchain == p.workchain && (s.prefix^p.prefix)&s.mask() == 0
}

// covers tells whether o is the shard or a part of it.
func (s shardID) covers(o shardID) bool {
	return o.end() <= s.end() && s.contains(place(o))
}

func (s shardID) child(right bool) shardID {
	half := s.end() >> 1
	if right {
		return shardID{s.workchain, s.prefix + half}
	}
	return shardID{s.workchain, s.prefix - half}
}

func (s shardID) parent() shardID {
	end := s.end()
	return shardID{s.workchain, s.prefix&^end&^(end<<1) | end<<1}
}

func (s shardID) sibling() shardID { return shardID{s.workchain, s.prefix ^ s.end()<<1} }

func (s shardID) isRight() bool { return s.prefix&(s.end()<<1) != 0 }

func (s shardID) ident() tlb.ShardIdent {
	return tlb.ShardIdent{PrefixBits: int8(s.depth()), WorkchainID: s.workchain, ShardPrefix: s.prefix &^ s.end()}
}

// key is the prefix alone, to look accounts up by.
func (s shardID) key() *cell.Cell {
	depth := uint(s.depth())
	if depth == 0 {
		return cell.BeginCell().EndCell()
	}
	return cell.BeginCell().MustStoreUInt(s.prefix>>(64-depth), depth).EndCell()
}

// place is as much of an address as routing looks at.
type place struct {
	workchain int32
	prefix    uint64
}

// toward takes the first n of the 96 bits of a place from another.
func (p place) toward(to place, n uint8) place {
	switch {
	case n < 32: // only 0 occurs
		return p
	case n >= 96:
		return to
	}
	mask := ^uint64(0) >> (n - 32)
	return place{to.workchain, to.prefix&^mask | p.prefix&mask}
}

// Routes of a message, as the numbers of bits that its current and its next
// place share with the destination.
const (
	allBits = 96
	noBits  = 0
)

// route is hypercube routing where all shards of a workchain are neighbours: to
// the destination at once, but an address changes by one hexadecimal digit only.
func route(from, to place, within shardID) (current, next uint8) {
	switch {
	case within.contains(to):
		return allBits, allBits
	case from.workchain != to.workchain: // one of them is the masterchain
		return noBits, allBits
	}
	return 32, 36
}

// placeOf reads a plain address of a workchain that there is.
func placeOf(a *address.Address) (place, error) {
	id, err := parseAddress(a)
	return id.place(), err
}
