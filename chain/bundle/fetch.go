package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// fetchLinks asks how to follows from from. What a server says is checked before
// it is believed; one that lies is passed over.
func fetchLinks(ctx context.Context, s Source, from, to Block) (links []Link, err error) {
	for at := from; at != to; at = links[len(links)-1].To {
		if len(links) >= MaxLinks {
			return nil, tooFar(from, to)
		}
		var more []Link
		err = s.BlockProof(ctx, at.ID(), to.ID(), func(part ton.PartialBlockProof) (err error) {
			if more, err = linksOf(part); err == nil {
				err = checkLinks(at, more)
			}
			if err == nil {
				err = leadsOn(links, more, to)
			}
			return unkind(err)
		})
		if err != nil {
			return nil, err
		}
		links = append(links, more...)
	}
	if len(links) > MaxLinks {
		return nil, tooFar(from, to)
	}
	return links, nil
}

func tooFar(from, to Block) error {
	return cocoon.WithHint(cocoon.Invalid.Errorf("from block %d to block %d there are more than %d key blocks", from.Seqno, to.Seqno, MaxLinks),
		"start from a newer block that is trusted")
}

// leadsOn wants steps after those there are already to come nearer to the end.
func leadsOn(links, more []Link, to Block) error {
	if len(more) == 0 {
		return errors.New("the proof has no steps")
	}
	if len(links) > 0 && links[len(links)-1].Forward && !more[0].Forward {
		return errors.New("the proof goes back after it went forward")
	}
	if last := more[len(more)-1]; last.Forward && last.To.Seqno > to.Seqno || !last.Forward && last.To.Seqno < to.Seqno && !last.ToKey {
		return errors.New("the proof leads past the block")
	}
	return nil
}

func linksOf(part ton.PartialBlockProof) (links []Link, err error) {
	for _, step := range part.Steps {
		var l Link
		switch s := step.(type) {
		case ton.BlockLinkForward:
			l, err = forwardLink(s)
		case ton.BlockLinkBackward:
			l, err = backLink(s)
		default:
			err = fmt.Errorf("unexpected step %T", step)
		}
		if err != nil {
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}

func forwardLink(s ton.BlockLinkForward) (l Link, err error) {
	if s.To == nil {
		return l, errNoCell
	}
	l = Link{Forward: true, ToKey: s.ToKeyBlock, To: BlockOf(s.To)}
	if l.Signed, err = signaturesOf(s.SignatureSet); err == nil {
		err = parseCells(map[**cell.Cell][]byte{&l.Dest: s.DestProof, &l.Config: s.ConfigProof})
	}
	return l, err
}

func backLink(s ton.BlockLinkBackward) (l Link, err error) {
	if s.To == nil {
		return l, errNoCell
	}
	l = Link{ToKey: s.ToKeyBlock, To: BlockOf(s.To)}
	return l, parseCells(map[**cell.Cell][]byte{&l.Dest: s.DestProof, &l.State: s.StateProof, &l.Header: s.Proof})
}

func parseCells(list map[**cell.Cell][]byte) (err error) {
	for into, boc := range list {
		if *into, err = cell.FromBOC(boc); err != nil {
			return err
		}
	}
	return nil
}

func signaturesOf(set any) (s Signatures, err error) {
	var list []ton.Signature
	switch v := set.(type) {
	case ton.SignatureSet:
		s.Catchain, s.ValidatorSet, list = uint32(v.CatchainSeqno), uint32(v.ValidatorSetHash), v.Signatures
	case ton.SignatureSetOrdinary:
		s.Catchain, s.ValidatorSet, list = uint32(v.CatchainSeqno), uint32(v.ValidatorSetHash), v.Signatures
	case ton.SignatureSetSimplex:
		s.Catchain, s.ValidatorSet, list = uint32(v.CCSeqno), uint32(v.ValidatorSetHash), v.Signatures
		s.Simplex = &Simplex{Slot: v.Slot, Candidate: v.Candidate}
		copy(s.Simplex.Session[:], v.SessionID)
	default:
		return s, fmt.Errorf("unexpected signatures %T", set)
	}
	if len(list) > MaxSignatures {
		return s, fmt.Errorf("%d signatures, more than %d", len(list), MaxSignatures)
	}
	for _, one := range list {
		if len(one.NodeIDShort) != 32 || len(one.Signature) != 64 {
			return s, errors.New("a signature is not 64 bytes of a known node")
		}
		s.List = append(s.List, Signature{[32]byte(one.NodeIDShort), [64]byte(one.Signature)})
	}
	slices.SortFunc(s.List, func(a, b Signature) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	return s, nil
}

// fetchProof asks for one account at a masterchain block.
func fetchProof(ctx context.Context, s Source, globalID int32, head Block, a cocoon.Account) (p Proof, err error) {
	err = s.AccountProof(ctx, head.ID(), a, func(state ton.AccountState) error {
		if len(state.ShardProof) != 2 || len(state.Proof) != 2 {
			return errNoCell
		}
		p = Proof{a, Pair{state.ShardProof[0], state.ShardProof[1]}, Pair{state.Proof[0], state.Proof[1]}, state.State}
		m, err := p.checkMaster(head, globalID)
		if err == nil {
			_, err = p.check(head, m)
		}
		return unkind(err)
	})
	return p, err
}

// unkind is err for a client that asks the next server: that one server lies is
// not a fault of who asks.
func unkind(err error) error {
	if err == nil {
		return nil
	}
	return lie{err}
}

// lie is an answer of a server that does not hold.
type lie struct{ err error }

func (l lie) Error() string { return l.err.Error() }

func (l lie) Is(target error) bool { return errors.Is(l.err, target) }
