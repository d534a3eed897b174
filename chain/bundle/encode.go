package bundle

import (
	"fmt"
	"slices"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// tag is crc32 of the first line of the layout, the highest bit cleared. A layout
// that differs has another one.
const tag = 0x6c473de9

// Marshal is the one form of the bundle as bytes.
func (b *Bundle) Marshal() (data []byte, err error) {
	root, err := b.cell()
	if err == nil {
		data, err = root.ToBOCWithOptionsErr(cell.BOCSerializeOptions{WithCRC32C: true})
	}
	if err != nil {
		return nil, fmt.Errorf("encode the proof bundle: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("encode the proof bundle: %d bytes, more than %d", len(data), MaxBytes)
	}
	return data, nil
}

func (b *Bundle) cell() (*cell.Cell, error) {
	links, err := linkCells(b.Links)
	if err != nil {
		return nil, err
	}
	accounts, err := proofCells(b.Accounts)
	if err != nil {
		return nil, err
	}
	w := writer{cell.BeginCell(), nil}
	w.uint32(tag)
	w.uint32(uint32(b.GlobalID))
	w.bytes(b.ZeroState[:])
	w.block(b.From)
	w.maybe(links)
	w.ref(accounts)
	return w.end()
}

// linkCells is a list, the first link outermost.
func linkCells(links []Link) (next *cell.Cell, err error) {
	for _, l := range slices.Backward(links) {
		w := writer{cell.BeginCell(), nil}
		w.bit(l.Forward)
		w.bit(l.ToKey)
		w.block(l.To)
		w.ref(l.Dest)
		if l.Forward {
			signed, err := l.Signed.cell()
			if err != nil {
				return nil, err
			}
			w.ref(l.Config)
			w.ref(signed)
		} else {
			w.ref(l.State)
			w.ref(l.Header)
		}
		w.maybe(next)
		if next, err = w.end(); err != nil {
			return nil, fmt.Errorf("link to block %d: %w", l.To.Seqno, err)
		}
	}
	return next, nil
}

func (s Signatures) cell() (*cell.Cell, error) {
	var list *cell.Cell
	for _, signature := range slices.Backward(s.List) {
		w := writer{cell.BeginCell(), nil}
		w.bytes(signature.Node[:])
		w.bytes(signature.Bytes[:])
		w.maybe(list)
		var err error
		if list, err = w.end(); err != nil {
			return nil, err
		}
	}
	w := writer{cell.BeginCell(), nil}
	w.bit(s.Simplex != nil)
	w.uint32(s.ValidatorSet)
	w.uint32(s.Catchain)
	w.maybe(list)
	if s.Simplex != nil {
		w.bytes(s.Simplex.Session[:])
		w.uint32(uint32(s.Simplex.Slot))
		candidate := cell.BeginCell()
		if err := candidate.StoreBinarySnake(s.Simplex.Candidate); err != nil {
			return nil, err
		}
		w.ref(candidate.EndCell())
	}
	return w.end()
}

func proofCells(proofs []Proof) (next *cell.Cell, err error) {
	for _, p := range slices.Backward(proofs) {
		w := writer{cell.BeginCell(), nil}
		w.bytes(p.Account[:])
		for _, pair := range []Pair{p.Master, p.Shard} {
			half := writer{cell.BeginCell(), nil}
			half.ref(pair.Block)
			half.ref(pair.State)
			both, err := half.end()
			if err != nil {
				return nil, err
			}
			w.ref(both)
		}
		w.maybe(p.AccountState)
		w.maybe(next)
		if next, err = w.end(); err != nil {
			return nil, fmt.Errorf("account %s: %w", p.Account, err)
		}
	}
	return next, nil
}
