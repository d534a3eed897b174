package wrappers

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Bounds of an epoch, the same as in contracts/epoch.fc.
const (
	MaxEpochLeaves = 1 << leafKeyBits // leaves in one tree
	MaxPublishPage = 500              // leaves in one publish
	MaxPushPage    = 250              // payouts in one push
)

const leafKeyBits = 17

// EpochTree is the dictionary of one epoch's leaves, whose root a dispatcher
// puts on chain and whose proofs publish, push and claim carry. It does not
// change once built and may be used by several goroutines.
type EpochTree struct {
	root  *cell.Cell
	total cocoon.Nano
	count int
}

// NewEpochTree builds the tree of leaves, whose place is their index. It
// refuses what the contract would refuse: no leaves or more than
// MaxEpochLeaves, providers that do not ascend strictly, the zero account, a
// sum that Coins cannot hold.
func NewEpochTree(leaves []Leaf) (*EpochTree, error) {
	if len(leaves) == 0 || len(leaves) > MaxEpochLeaves {
		return nil, cocoon.Invalid.Errorf("an epoch has 1 to %d leaves, not %d", MaxEpochLeaves, len(leaves))
	}
	t := &EpochTree{count: len(leaves)}
	items, last := make([]cell.DictBulkKV, len(leaves)), cocoon.Account{}
	for i, l := range leaves {
		if bytes.Compare(l.Provider[:], last[:]) <= 0 {
			return nil, cocoon.Invalid.Errorf("leaf %d: provider %s does not come after %s", i, l.Provider, last)
		}
		last = l.Provider
		total, err := t.total.Add(l.Amount.Nano)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("sum of %d leaves: %w", i+1, err)
		}
		value, err := Cell(l)
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", i, err)
		}
		t.total, items[i] = total, cell.DictBulkKV{Key: leafKey(i), Value: value.ToBuilder()}
	}
	dict, err := cell.NewDictFromItems(leafKeyBits, items)
	if err != nil {
		return nil, fmt.Errorf("tree of %d leaves: %w", len(leaves), err)
	}
	t.root = dict.AsCell()
	return t, nil
}

// leafKey is index as the dictionary's builder takes it: bits from the left.
func leafKey(index int) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(index)<<(32-leafKeyBits))
}

// Root is the hash the epoch is opened with.
func (t *EpochTree) Root() [32]byte { return [32]byte(t.root.Hash()) }

// Total is the sum of all amounts.
func (t *EpochTree) Total() cocoon.Nano { return t.total }

// Len is the number of leaves.
func (t *EpochTree) Len() int { return t.count }

// Proof is the Merkle proof of leaves [from, from + count), at most
// MaxPublishPage of them, as publish, push and claim carry it.
func (t *EpochTree) Proof(from, count int) (*cell.Cell, error) {
	if from < 0 || count < 1 || count > MaxPublishPage || from > t.count-count {
		return nil, cocoon.Invalid.Errorf("no page of %d leaves from %d in a tree of %d", count, from, t.count)
	}
	b := cell.NewMerkleProofBuilder(t.root)
	dict := b.Root().AsDict(leafKeyBits)
	for i := from; i < from+count; i++ {
		if _, err := dict.LoadValueByUintKey(uint64(i)); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	proof, err := b.CreateProof()
	if err != nil {
		return nil, fmt.Errorf("prove leaves %d to %d: %w", from, from+count-1, err)
	}
	return proof, nil
}

// LeavesOfPage reads leaves [from, from + count) back out of a proof that they
// belong to the tree with this root. It checks the proof and each leaf's
// layout; order and sum are what the contract checks.
func LeavesOfPage(proof *cell.Cell, root [32]byte, from, count int) ([]Leaf, error) {
	if from < 0 || count < 1 || count > MaxPublishPage || from > MaxEpochLeaves-count {
		return nil, cocoon.Invalid.Errorf("no page of %d leaves from %d", count, from)
	}
	if proof == nil {
		return nil, cocoon.Invalid.Errorf("page from leaf %d: no proof", from)
	}
	body, err := cell.UnwrapProof(proof, root[:])
	if err != nil {
		return nil, cocoon.Invalid.Errorf("page from leaf %d: %w", from, err)
	}
	dict, leaves := body.AsDict(leafKeyBits), make([]Leaf, count)
	for i := range leaves {
		value, err := dict.LoadValueByUintKey(uint64(from + i))
		if err != nil {
			return nil, cocoon.Invalid.Errorf("leaf %d: %w", from+i, err)
		}
		if leaves[i], err = leafOf(value); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", from+i, err)
		}
	}
	return leaves, nil
}

func leafOf(value *cell.Slice) (Leaf, error) {
	c, err := value.ToCell()
	if err != nil {
		return Leaf{}, cocoon.Invalid.Errorf("read value: %w", err)
	}
	return Decode[Leaf](c)
}
