package sandboxtests

import (
	"bytes"
	"slices"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// planted is the tree of an epoch, honest or not.
type planted struct {
	root   *cell.Cell
	leaves []wrappers.Leaf
	said   cocoon.Nano // what open_epoch says is their sum
}

// plant grows the tree that m opens: Count leaves that share Amount, the more the
// later. Number makes it another one: 1 says more than their sum, 3 less, 2 has the first two in the wrong order.
func (b *bazaar) plant(m move) *planted {
	b.t.Helper()
	if m.Shares != nil {
		return b.grow(&planted{leaves: b.leavesOf(m.Shares), said: m.Amount})
	}
	p := &planted{leaves: b.payees(m.Count), said: m.Amount}
	sum, n := cocoon.Nano{}, uint64(len(p.leaves))
	for i := range p.leaves {
		share, err := m.Amount.MulDiv(2*uint64(i+1), n*(n+1))
		require.NoError(b.t, err)
		p.leaves[i].Amount, sum = coins(share), plus(b.t, sum, share)
	}
	if m.Number != 1 {
		p.said = sum
	}
	if m.Number == 3 {
		p.said = p.leaves[0].Amount.Nano
	}
	if m.Number == 2 && n > 1 {
		p.leaves[0], p.leaves[1] = p.leaves[1], p.leaves[0]
	}
	return b.grow(p)
}

// grow makes a tree of the leaves as they are.
func (b *bazaar) grow(p *planted) *planted {
	b.t.Helper()
	dict := cell.NewDict(17)
	for i, l := range p.leaves {
		require.NoError(b.t, dict.Set(cell.BeginCell().MustStoreUInt(uint64(i), 17).EndCell(), body(b.t, l)))
	}
	p.root = dict.AsCell()
	b.trees[[32]byte(p.root.Hash())] = p
	return p
}

// leavesOf are leaves of those amounts, in order of the accounts called that.
func (b *bazaar) leavesOf(shares map[string]cocoon.Nano) (leaves []wrappers.Leaf) {
	for name, amount := range shares {
		leaves = append(leaves, wrappers.Leaf{Provider: b.place(name), Amount: coins(amount), UptimeBps: 9_900})
	}
	slices.SortFunc(leaves, func(x, y wrappers.Leaf) int { return bytes.Compare(x.Provider[:], y.Provider[:]) })
	return leaves
}

// payees are n leaves, those of the providers among them, in order of their accounts.
func (b *bazaar) payees(n int) []wrappers.Leaf {
	var leaves []wrappers.Leaf
	for i := range max(1, n) {
		a := wallet(numbered("payee", i))
		if i < manyProviders {
			a = b.places[numbered("provider", i)]
		}
		leaves = append(leaves, wrappers.Leaf{Provider: a, UptimeBps: 9_900})
	}
	slices.SortFunc(leaves, func(x, y wrappers.Leaf) int { return bytes.Compare(x.Provider[:], y.Provider[:]) })
	return leaves
}

// proof shows count leaves from one on, as far as there are any.
func (p *planted) proof(from, count int) *cell.Cell {
	b := cell.NewMerkleProofBuilder(p.root)
	for i := from; i < from+count; i++ {
		_, _ = b.Root().AsDict(17).LoadValueByUintKey(uint64(i))
	}
	proof, err := b.CreateProof()
	if err != nil {
		return nil
	}
	return proof
}

// amountOf is what the tree gives a provider, zero where it has no leaf.
func (p *planted) amountOf(provider cocoon.Account) cocoon.Nano {
	for _, l := range p.leaves {
		if l.Provider == provider {
			return l.Amount.Nano
		}
	}
	return cocoon.Nano{}
}

// treeOfEpoch is the tree that an epoch was opened with.
func (b *bazaar) treeOfEpoch(name string) *planted {
	if e := stateOf[wrappers.Epoch](b, name); e.Opened != nil {
		return b.trees[e.Opened.Root]
	}
	return nil
}

func (b *bazaar) composeEpoch(m move, _ cocoon.Account) *cell.Cell {
	switch m.Do {
	case "fail":
		return body(b.t, wrappers.Fail{QueryID: 1, Response: response})
	case "pass":
		return body(b.t, wrappers.Pass{QueryID: 1, Response: response})
	}
	tree := b.treeOfEpoch(m.At)
	if tree == nil {
		return nil
	}
	switch m.Do {
	case "publish":
		return body(b.t, wrappers.Publish{QueryID: 1, Response: response, From: uint32(m.Index), Count: uint16(m.Count), Page: tree.proof(m.Index, m.Count)})
	case "push":
		return body(b.t, wrappers.Push{QueryID: 1, Response: response, From: uint32(m.Index), Count: uint8(m.Count), Page: tree.proof(m.Index, m.Count)})
	case "claim":
		return body(b.t, wrappers.Claim{QueryID: 1, Response: response, Index: uint32(m.Index), Proof: tree.proof(m.Index, 1)})
	case "prove":
		rewards := stateOf[wrappers.Epoch](b, m.At).Birth.Rewards
		r := signedBy(b.t, m.Key, earnedIn(rewards, uint32(m.Number), b.place(m.Other), m.Amount))
		from := max(m.Index-1, 0)
		return body(b.t, wrappers.Prove{QueryID: 1, Response: response, Signature: r.signature, Index: uint32(m.Index), Receipt: r.signed, Proof: tree.proof(from, m.Index-from+1)})
	}
	return nil
}

// meet gives an epoch that has come to be its name.
func (b *bazaar) meet(a cocoon.Account) {
	if _, known := b.names[a]; known || !b.holdsCode(a) {
		return
	}
	seen, kind := b.sight(a)
	if e, ok := seen.state.(wrappers.Epoch); ok && kind == wrappers.KindEpoch {
		name := b.epochAt(e.Birth)
		b.places[name], b.names[a] = a, name
		b.births[name] = b.lastState(a)
		b.epochs = append(b.epochs, name)
	}
}
