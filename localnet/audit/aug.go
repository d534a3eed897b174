package audit

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// aug is a kind of augmented hashmap: each branch carries a summary, its extra,
// of all leaves below it. It is walked here by hand, so that the summaries are
// computed anew and not taken from the library that wrote them.
type aug[E any] struct {
	name  string
	bits  int
	load  func(*cell.Slice) (E, error)
	add   func(left, right E) E
	leaf  func(key []byte, value *cell.Slice) (E, error) // must consume the value
	equal func(a, b E) bool
	empty E
	memo  map[memoKey]E // of branches found good; nil where every leaf must be visited
}

type memoKey struct {
	hash cell.Hash
	bits int
}

// memoKept bounds the memory of a memo.
const memoKept = 1 << 20

// check reads a HashmapAugE off s, checks it and returns the extra of its root.
func (a *aug[E]) check(s *cell.Slice) (E, error) {
	var none E
	full, err := s.LoadBoolBit()
	if err != nil {
		return none, err
	}
	sum := a.empty
	if full {
		root, err := s.LoadRefCell()
		if err != nil {
			return none, err
		}
		if sum, err = a.node(root, 0, make([]byte, (a.bits+7)/8)); err != nil {
			return none, err
		}
	}
	return sum, a.compare(s, sum)
}

// checkInline is check for a HashmapAug, whose root node lies in s itself.
func (a *aug[E]) checkInline(s *cell.Slice) (E, error) {
	return a.body(s, 0, make([]byte, (a.bits+7)/8), false)
}

func (a *aug[E]) compare(s *cell.Slice, sum E) error {
	extra, err := a.load(s)
	if err != nil {
		return fmt.Errorf("extra of %s: %w", a.name, err)
	}
	if !a.equal(extra, sum) {
		return fmt.Errorf("extra of %s is %v, its leaves make %v", a.name, extra, sum)
	}
	return nil
}

var errPruned = errors.New("a part is pruned")

func (a *aug[E]) node(c *cell.Cell, depth int, key []byte) (sum E, err error) {
	m := memoKey{c.HashKey(), a.bits - depth}
	if a.memo != nil {
		if known, ok := a.memo[m]; ok {
			return known, nil
		}
	}
	if c.IsSpecial() {
		return sum, errPruned
	}
	s, err := c.BeginParse()
	if err != nil {
		return sum, err
	}
	if sum, err = a.body(s, depth, key, true); err != nil {
		return sum, err
	}
	if a.memo != nil {
		if len(a.memo) >= memoKept {
			clear(a.memo)
		}
		a.memo[m] = sum
	}
	return sum, nil
}

// body is a node after its cell was opened: a leaf is extra:Y value:X, a fork
// left:^ right:^ extra:Y.
func (a *aug[E]) body(s *cell.Slice, depth int, key []byte, whole bool) (sum E, err error) {
	n, err := loadLabel(s, a.bits-depth, func(i int, bit bool) { setBit(key, depth+i, bit) })
	if err != nil {
		return sum, fmt.Errorf("label in %s: %w", a.name, err)
	}
	if depth += n; depth == a.bits {
		extra, err := a.load(s)
		if err != nil {
			return sum, fmt.Errorf("extra in %s: %w", a.name, err)
		}
		if sum, err = a.leaf(key, s); err != nil {
			return sum, fmt.Errorf("%x in %s: %w", key, a.name, err)
		}
		if !a.equal(extra, sum) {
			return sum, fmt.Errorf("extra of %x in %s is %v, its value makes %v", key, a.name, extra, sum)
		}
		return sum, a.end(s, whole)
	}
	var parts [2]E
	for i := range parts {
		child, err := s.LoadRefCell()
		if err != nil {
			return sum, fmt.Errorf("fork in %s: %w", a.name, err)
		}
		setBit(key, depth, i == 1)
		if parts[i], err = a.node(child, depth+1, key); err != nil {
			return sum, err
		}
	}
	sum = a.add(parts[0], parts[1])
	if err = a.compare(s, sum); err != nil {
		return sum, err
	}
	return sum, a.end(s, whole)
}

func (a *aug[E]) end(s *cell.Slice, whole bool) error {
	if whole && (s.BitsLeft() > 0 || s.RefsNum() > 0) {
		return fmt.Errorf("a node of %s has something left over", a.name)
	}
	return nil
}

func setBit(key []byte, i int, bit bool) {
	mask := byte(1) << (7 - i%8)
	key[i/8] &^= mask
	if bit {
		key[i/8] |= mask
	}
}

// loadLabel reads HmLabel, at most limit bits, and returns its length.
func loadLabel(s *cell.Slice, limit int, each func(i int, bit bool)) (int, error) {
	long, err := s.LoadBoolBit()
	if err != nil {
		return 0, err
	}
	n, same, one := 0, false, false
	if !long { // hml_short$0 len:(Unary ~n) s:(n * Bit)
		for ; ; n++ {
			more, err := s.LoadBoolBit()
			if err != nil {
				return 0, err
			}
			if !more {
				break
			}
		}
	} else { // hml_long$10 n:(#<= m) s:(n * Bit), hml_same$11 v:Bit n:(#<= m)
		if same, err = s.LoadBoolBit(); err != nil {
			return 0, err
		}
		if same {
			if one, err = s.LoadBoolBit(); err != nil {
				return 0, err
			}
		}
		length, err := s.LoadUInt(uint(bits.Len(uint(limit))))
		if err != nil {
			return 0, err
		}
		n = int(length)
	}
	if n > limit {
		return 0, fmt.Errorf("%d bits where %d are left", n, limit)
	}
	for i := range n {
		bit := one
		if !same {
			if bit, err = s.LoadBoolBit(); err != nil {
				return 0, err
			}
		}
		each(i, bit)
	}
	return n, nil
}
