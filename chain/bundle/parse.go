package bundle

import (
	"bytes"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Parse reads what Marshal wrote and nothing else: there is one file for each
// bundle, so that no byte of it is without a meaning. It checks no proof. All
// its errors are ErrMalformed.
func Parse(data []byte) (b *Bundle, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			b, err = nil, malformed("%v", broken)
		}
	}()
	if len(data) > MaxBytes {
		return nil, malformed("%d bytes, more than %d", len(data), MaxBytes)
	}
	root, err := cell.FromBOCWithOptions(data, cell.BOCParseOptions{MaxCells: maxCells})
	if err != nil {
		return nil, malformed("%w", err)
	}
	if err = checkLevels(root, map[*cell.Cell]bool{}); err != nil {
		return nil, malformed("%w", err)
	}
	if b, err = read(root); err != nil {
		return nil, malformed("%w", err)
	}
	again, err := b.Marshal()
	if err != nil {
		return nil, malformed("%w", err)
	}
	if !bytes.Equal(again, data) {
		return nil, malformed("it is not written in its one form")
	}
	return b, nil
}

func malformed(format string, args ...any) error {
	return cocoon.WithHint(cocoon.Invalid.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...)), "fetch it again, with the version of cocoon that reads it")
}

func read(root *cell.Cell) (*Bundle, error) {
	r, b := open(root), new(Bundle)
	if found := r.uint32(); r.err == nil && found != tag {
		return nil, fmt.Errorf("it begins with %08x, not %08x", found, uint32(tag))
	}
	b.GlobalID = int32(r.uint32())
	r.bytes(b.ZeroState[:])
	b.From = r.block()
	links := r.maybe()
	accounts := r.ref()
	if r.err != nil {
		return nil, r.err
	}
	if err := b.readLinks(links); err != nil {
		return nil, err
	}
	return b, b.readProofs(accounts)
}

func (b *Bundle) readLinks(next *cell.Cell) error {
	for next != nil {
		if len(b.Links) == MaxLinks {
			return fmt.Errorf("more than %d links", MaxLinks)
		}
		r, l := open(next), Link{}
		l.Forward, l.ToKey, l.To = r.bit(), r.bit(), r.block()
		l.Dest = r.ref()
		if l.Forward {
			l.Config = r.ref()
			if signed := r.ref(); r.err == nil {
				l.Signed, r.err = readSignatures(signed)
			}
		} else {
			l.State, l.Header = r.ref(), r.ref()
		}
		next = r.maybe()
		if r.err != nil {
			return fmt.Errorf("link %d: %w", len(b.Links), r.err)
		}
		b.Links = append(b.Links, l)
	}
	return nil
}

func readSignatures(c *cell.Cell) (s Signatures, err error) {
	r := open(c)
	simplex := r.bit()
	s.ValidatorSet, s.Catchain = r.uint32(), r.uint32()
	next := r.maybe()
	if simplex && r.err == nil {
		s.Simplex = new(Simplex)
		r.bytes(s.Simplex.Session[:])
		s.Simplex.Slot = int32(r.uint32())
		if c := r.ref(); r.err == nil {
			inner := open(c)
			s.Simplex.Candidate = take(inner, func() ([]byte, error) { return inner.s.LoadBinarySnake() })
			r.err = inner.err
		}
	}
	for next != nil && r.err == nil {
		if len(s.List) == MaxSignatures {
			return s, fmt.Errorf("more than %d signatures", MaxSignatures)
		}
		r = open(next)
		var one Signature
		r.bytes(one.Node[:])
		r.bytes(one.Bytes[:])
		next = r.maybe()
		if n := len(s.List); n > 0 && bytes.Compare(s.List[n-1].Node[:], one.Node[:]) >= 0 {
			return s, fmt.Errorf("signature %d is out of order", n)
		}
		s.List = append(s.List, one)
	}
	return s, r.err
}

func (b *Bundle) readProofs(next *cell.Cell) error {
	for next != nil {
		if len(b.Accounts) == MaxAccounts {
			return fmt.Errorf("more than %d accounts", MaxAccounts)
		}
		r, p := open(next), Proof{}
		r.bytes(p.Account[:])
		p.Master, p.Shard = r.pair(), r.pair()
		p.AccountState = r.maybe()
		next = r.maybe()
		if n := len(b.Accounts); r.err == nil && n > 0 && bytes.Compare(b.Accounts[n-1].Account[:], p.Account[:]) >= 0 {
			return fmt.Errorf("account %d is out of order", n)
		}
		if r.err != nil {
			return fmt.Errorf("account %d: %w", len(b.Accounts), r.err)
		}
		b.Accounts = append(b.Accounts, p)
	}
	return nil
}

func (r *reader) pair() (p Pair) {
	c := r.ref()
	if r.err != nil {
		return p
	}
	inner := open(c)
	p.Block, p.State = inner.ref(), inner.ref()
	r.err = inner.err
	return p
}
