package sandboxtests

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

var epochTerms = wrappers.EpochTerms{Publish: 6 * 3600, Window: 12 * 3600, Expiry: 90 * 86400, NetworkBps: 100, Treasury: wallet("treasury"), PenaltyBps: 500, Penalty: coins(ton(50))}

// epochStory is an epoch whose rewards contract is a wallet that the test holds.
type epochStory struct {
	*world
	t       *testing.T
	rewards cocoon.Account
	epoch   cocoon.Account
	birth   wrappers.EpochBirth
	tree    *wrappers.EpochTree
	leaves  []wrappers.Leaf
}

// providerAt is the payee of leaf i.
func providerAt(i int) (a cocoon.Account) {
	binary.BigEndian.PutUint64(a[:], uint64(i+1))
	binary.BigEndian.PutUint64(a[24:], ^uint64(i)) // no account like another at its end
	return a
}

// leavesOf are n leaves of ascending providers; every 16th earned nothing.
func leavesOf(n int) []wrappers.Leaf {
	leaves := make([]wrappers.Leaf, n)
	for i := range leaves {
		l := &leaves[i]
		l.Provider, l.Requests, l.Tokens, l.UptimeBps, l.P50Ms = providerAt(i), uint32(i), uint64(i)*1000, 9_900, 300
		if i%16 != 15 {
			l.Amount = wrappers.Coins{Nano: cocoon.NanoOf(1_500_000_000 + uint64(i))}
		}
	}
	return leaves
}

func newEpochStory(t *testing.T, leaves []wrappers.Leaf) *epochStory {
	t.Helper()
	tree, err := wrappers.NewEpochTree(leaves)
	require.NoError(t, err)
	s := &epochStory{world: newWorld(t), t: t, rewards: wallet("rewards"), tree: tree, leaves: leaves}
	s.birth = wrappers.EpochBirth{Rewards: s.rewards, Number: 7, Attempt: 2}
	s.epoch, err = s.birth.Account()
	require.NoError(t, err)
	return s
}

// tell sends v to the epoch from a stranger.
func tell[T any](s *epochStory, value cocoon.Nano, v T) trace {
	s.t.Helper()
	return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: value, Bounce: true, Body: body(s.t, v)})
}

func (s *epochStory) openMessage() chain.Message {
	s.t.Helper()
	init, err := s.birth.Init()
	require.NoError(s.t, err)
	return chain.Message{To: s.epoch, Amount: plus(s.t, s.needed(), ton(1)), Bounce: true, Init: init,
		Body: body(s.t, wrappers.Open{QueryID: 1, Root: s.tree.Root(), Total: wrappers.Coins{Nano: s.tree.Total()}, Count: uint32(s.tree.Len()),
			Response: wallet("operator"), ReceiptKey: publicOf("receipts"), Terms: &epochTerms})}
}

// needed is what the leaves and the network's share add up to.
func (s *epochStory) needed() cocoon.Nano {
	share, err := epochTerms.NetworkShare(s.tree.Total())
	require.NoError(s.t, err)
	return plus(s.t, s.tree.Total(), share)
}

func (s *epochStory) open() {
	s.t.Helper()
	s.send(s.rewards, s.openMessage()).requireOK(s.t)
}

func (s *epochStory) fees(count int) wrappers.EpochFees {
	s.t.Helper()
	f, err := wrappers.GetEpochFees(context.Background(), s, s.epoch, count)
	require.NoError(s.t, err)
	return f
}

func (s *epochStory) state() wrappers.Epoch {
	s.t.Helper()
	e, err := wrappers.DecodeEpoch(s.data(s.epoch))
	require.NoError(s.t, err)
	return e
}

func (s *epochStory) page(from, count int) wrappers.Publish {
	s.t.Helper()
	proof, err := s.tree.Proof(from, count)
	require.NoError(s.t, err)
	return wrappers.Publish{QueryID: 2, Response: wallet("change"), From: uint32(from), Count: uint16(count), Page: proof}
}

func (s *epochStory) payout(from, count int) wrappers.Push {
	p := s.page(from, count)
	return wrappers.Push{QueryID: 3, Response: p.Response, From: p.From, Count: uint8(count), Page: p.Page}
}

func (s *epochStory) claim(index int) wrappers.Claim {
	p := s.page(index, 1)
	return wrappers.Claim{QueryID: 4, Response: p.Response, Index: uint32(index), Proof: p.Page}
}

// proofAt is prove of leaf index and the one before it, as far as there are such leaves.
func (s *epochStory) proofAt(index int, r signedReceipt) wrappers.Prove {
	s.t.Helper()
	from := max(index-1, 0)
	proof, err := s.tree.Proof(from, min(index, s.tree.Len()-1)-from+1)
	require.NoError(s.t, err)
	return wrappers.Prove{QueryID: 8, Response: wallet("change"), Signature: r.signature, Index: uint32(index), Receipt: r.signed, Proof: proof}
}

// refute is proofAt with an honest receipt.
func (s *epochStory) refute(index int, provider cocoon.Account, amount cocoon.Nano) wrappers.Prove {
	s.t.Helper()
	return s.proofAt(index, signedBy(s.t, "receipts", earnedIn(s.rewards, s.birth.Number, provider, amount)))
}

func (s *epochStory) publish() {
	s.t.Helper()
	for from, n := 0, s.tree.Len(); from < n; from += wrappers.MaxPublishPage {
		count := min(wrappers.MaxPublishPage, n-from)
		tell(s, s.fees(count).Publish, s.page(from, count)).requireOK(s.t)
	}
}

func (s *epochStory) pass() trace {
	s.t.Helper()
	s.advance(time.Duration(epochTerms.Window) * time.Second)
	return tell(s, s.fees(0).Pass, wrappers.Pass{QueryID: 5, Response: wallet("change")}).requireOK(s.t)
}

func (s *epochStory) push() {
	s.t.Helper()
	for from, n := int(s.state().Cursor), s.tree.Len(); from < n; from += wrappers.MaxPushPage {
		count := min(wrappers.MaxPushPage, n-from)
		tell(s, s.fees(count).Push, s.payout(from, count)).requireOK(s.t)
	}
}

// paying is an epoch that has passed.
func paying(t *testing.T, n int) *epochStory {
	t.Helper()
	s := newEpochStory(t, leavesOf(n))
	s.open()
	s.publish()
	s.pass()
	require.Equal(t, wrappers.EpochPaying, s.state().Phase)
	return s
}

// requirePaid wants leaf i to have reached its provider exactly once, or not at all.
func (s *epochStory) requirePaid(i int, paid bool) {
	s.t.Helper()
	want := cocoon.Nano{}
	if paid {
		want = s.leaves[i].Amount.Nano
	}
	require.Equal(s.t, want, s.balance(s.leaves[i].Provider), "leaf %d", i)
}
