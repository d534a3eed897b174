package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	tongo "github.com/tonkeeper/tongo/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// step is the audit of one block.
type step struct {
	*Auditor
	id         string
	block      *block
	reference  *anchor // masterchain block it refers to; in the masterchain, the one before
	prev       []*made
	before     *base
	newRoot    *cell.Cell
	after      *state
	neighbours []*neighbour
	byHand     money // what accounts set by hand gained
}

func (t *step) violation(rule Rule, err error) error {
	return &Violation{Block: t.id, Rule: rule, Err: err}
}

func (t *step) masterSeqno() uint32 {
	if t.block.master != nil {
		return t.block.seqno
	}
	return t.reference.seqno
}

// begin parses a block and finds what it follows.
func (a *Auditor) begin(b Block) (*step, error) {
	t := &step{Auditor: a, id: name(b.ID)}
	version, err := a.masters[len(a.masters)-1].config.version()
	if err != nil {
		return nil, t.violation(RuleParse, err)
	}
	if t.block, err = parseBlock(refOf(b.ID), b.BoC, &version); err != nil {
		return nil, t.violation(RuleParse, err)
	}
	for _, c := range []check{{RuleMasterRef, t.findReference}, {RulePrevious, t.findPrevious}, {RuleUpdate, t.apply}, {RuleParse, t.parseAfter}, {RuleMasterRef, t.findNeighbours}} {
		if err = c.run(); err != nil {
			return nil, t.violation(c.rule, err)
		}
	}
	return t, nil
}

func openBag(id ref, raw []byte) (*cell.Cell, error) {
	root, err := cell.FromBOC(raw)
	if err != nil {
		return nil, fmt.Errorf("bag of cells: %w", err)
	}
	if file := sha256.Sum256(raw); hash(file) != id.file {
		return nil, fmt.Errorf("file hash is %x, claimed is %x", file, id.file)
	}
	if root.HashKey() != id.root {
		return nil, fmt.Errorf("root hash is %x, claimed is %x", root.Hash(), id.root)
	}
	return root, nil
}

// findReference: a shard block refers to a masterchain block that was judged, and
// not to an older one than the block before did.
func (t *step) findReference() error {
	info := t.block.info
	t.reference = t.masters[len(t.masters)-1]
	if info.NotMaster == (t.block.shard.workchain == masterchain) || info.NotMaster == (t.block.master != nil) {
		return errors.New("it is not clear whether it is of the masterchain")
	}
	if !info.NotMaster {
		return nil
	}
	m := info.MasterRef.Master
	if uint64(m.SeqNo) >= uint64(len(t.masters)) {
		return fmt.Errorf("masterchain block %d is not known", m.SeqNo)
	}
	t.reference = t.masters[m.SeqNo]
	if r := t.reference; r.root != hash(m.RootHash) || r.file != hash(m.FileHash) || r.endLT != m.EndLt {
		return fmt.Errorf("masterchain block %d is %x, which ends at %d", m.SeqNo, r.root, r.endLT)
	}
	if t.reference.state == nil {
		return errForgotten
	}
	return nil
}

// findPrevious finds the one or two blocks before, and makes of their states what
// this block starts from.
func (t *step) findPrevious() error {
	links, err := t.links()
	if err != nil {
		return err
	}
	var bases []*base
	for _, want := range links {
		st, got, err := t.lookUp(want)
		if err != nil {
			return err
		}
		if !got.sameBlock(want) || got.endLT != want.endLT {
			return fmt.Errorf("it follows %s (%x), which ends at %d; known is %s (%x), which ends at %d", want, want.root, want.endLT, got, got.root, got.endLT)
		}
		bases = append(bases, baseOf(st))
	}
	t.before = bases[0]
	switch info := t.block.info; {
	case info.AfterMerge:
		err = t.before.merge(bases[1])
	case info.AfterSplit:
		err = t.before.split(t.block.shard)
	}
	if err == nil && t.block.seqno != t.before.seqno+1 {
		return fmt.Errorf("seqno %d after %d", t.block.seqno, t.before.seqno)
	}
	return err
}

// links are the blocks the header names, left one first.
func (t *step) links() ([]ref, error) {
	info, s := t.block.info, t.block.shard
	link := func(of shard, r tongo.ExtBlkRef) ref {
		return ref{shard: of, seqno: r.SeqNo, endLT: r.EndLt, root: hash(r.RootHash), file: hash(r.FileHash)}
	}
	if info.AfterMerge {
		if info.AfterSplit || s.length() >= 60 || s.workchain == masterchain {
			return nil, fmt.Errorf("shard %s cannot come of a merge", s)
		}
		p := info.PrevRef.PrevBlksInfo
		return []ref{link(s.left(), p.Prev1), link(s.right(), p.Prev2)}, nil
	}
	if info.AfterSplit {
		if s.length() == 0 {
			return nil, fmt.Errorf("shard %s cannot come of a split", s)
		}
		s = s.parent()
	}
	return []ref{link(s, info.PrevRef.PrevBlkInfo.Prev)}, nil
}

// lookUp finds a block that nothing has followed yet where this one is to be.
func (t *step) lookUp(want ref) (*state, ref, error) {
	if want.shard.workchain == masterchain {
		return t.reference.state, t.reference.ref, nil
	}
	m := t.blocks[want.root]
	if m == nil {
		return nil, ref{}, fmt.Errorf("block %s (%x) is not known", want, want.root)
	}
	for _, f := range m.followed {
		if f.intersects(t.block.shard) {
			return nil, ref{}, fmt.Errorf("block %s was followed already, by shard %s", m.ref, f)
		}
	}
	t.prev = append(t.prev, m)
	return m.state, m.ref, nil
}

// apply checks the state update and applies it.
func (t *step) apply() error {
	if err := cell.ValidateMerkleUpdate(t.block.update); err != nil {
		return err
	}
	root, _, err := cell.ApplyMerkleUpdate(t.before.root, t.block.update)
	if err != nil {
		return err
	}
	claimed, err := t.block.update.PeekRef(1)
	if err != nil {
		return err
	}
	if !bytes.Equal(root.Hash(), claimed.Hash(0)) {
		return errors.New("it leads to another state than it claims")
	}
	t.newRoot = root
	return nil
}

func (t *step) parseAfter() (err error) {
	if t.after, err = t.parseState(t.newRoot); err != nil {
		return fmt.Errorf("new state: %w", err)
	}
	return nil
}
