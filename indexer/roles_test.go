package indexer

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

const heirAfter = 600 // seconds

// convicted is a second rewards contract of the same owner whose first tree fell short of a receipt.
type convicted struct {
	*world
	rewards, failed, epoch cocoon.Account
}

func (c *convicted) receipt(number uint32, provider cocoon.Account, amount cocoon.Nano) (wrappers.SignedCell, error) {
	signed, signature, err := wrappers.Sign(earned{GlobalID: globalID, Contract: c.rewards, Number: number, Provider: provider, Amount: wrappers.Coins{Nano: amount}}, testKey("receipts"))
	return wrappers.SignedCell{Signature: signature.Bytes, Signed: signed}, err
}

func (c *convicted) rotateTo(name string) {
	c.t.Helper()
	possession := must(wrappers.ProvePossession(testKey(name), globalID, c.rewards))
	c.send(c.rewards, cocoon.TON(1), nil, body(wrappers.RotateKey{Key: wrappers.PublicKey(testKey(name)), Possession: &possession}))
}

// playConviction founds it, and lets everything but the succession happen.
func (w *world) playConviction() *convicted {
	w.t.Helper()
	birth := wrappers.RewardsBirth{Registry: w.registry, Owner: w.me, Index: 1}
	c := &convicted{world: w, rewards: must(birth.Account())}
	amount := func(n uint64) wrappers.Coins { return wrappers.Coins{Nano: cocoon.TON(n)} }
	w.send(c.rewards, cocoon.TON(5), must(birth.Init()), body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.send(c.rewards, cocoon.TON(23), nil, body(wrappers.Bond{Amount: amount(22), Response: w.me}))
	w.send(c.rewards, cocoon.TON(12), nil, body(wrappers.Fund{Amount: amount(10), Response: w.me}))
	c.rotateTo("receipts")
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{TLSKeyHash: [32]byte{7}, URL: "https://a.example"}}))
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.TransferOwnership{Owner: w.me}))
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.AcceptOwnership{}))
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.SetHeir{Heir: w.me}))
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.TransferOwnership{Owner: payee}))
	owed := must(c.receipt(2, accountOf(2), cocoon.TON(1)))
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.Owe{Response: w.me, Signature: owed.Signature, Receipt: owed.Signed}))
	c.failed = c.publish(0)
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.RequestUnbond{Amount: amount(15)}))
	w.advance(1)
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.RequestUnbond{Amount: amount(6)}))
	c.prove()
	w.send(c.rewards, cocoon.TON(25), nil, body(wrappers.Bond{Amount: amount(20), Response: w.me}))
	c.epoch = c.publish(1)
	w.advance(window)
	w.send(c.epoch, cocoon.TON(1), nil, body(wrappers.Pass{Response: w.me}))
	c.rotateTo("later receipts")
	w.settle()
	return c
}

// publish opens the epoch of number 1 and shows its three leaves.
func (c *convicted) publish(attempt uint16) cocoon.Account {
	c.t.Helper()
	tree := must(wrappers.NewEpochTree(leaves(3)))
	c.send(c.rewards, cocoon.TON(5), nil, body(wrappers.OpenEpoch{Root: tree.Root(), Total: wrappers.Coins{Nano: tree.Total()}, Count: 3}))
	c.settle()
	epoch := must(wrappers.EpochBirth{Rewards: c.rewards, Number: 1, Attempt: attempt}.Account())
	c.send(epoch, cocoon.TON(1), nil, body(wrappers.Publish{Response: c.me, Count: 3, Page: must(tree.Proof(0, 3))}))
	return epoch
}

// prove shows a receipt for more than the second leaf.
func (c *convicted) prove() {
	c.t.Helper()
	tree := must(wrappers.NewEpochTree(leaves(3)))
	r := must(c.receipt(1, accountOf(2), cocoon.TON(1)))
	c.send(c.failed, cocoon.TON(1), nil, body(wrappers.Prove{Response: c.me, Signature: r.Signature, Index: 1, Receipt: r.Signed, Proof: must(tree.Proof(0, 2))}))
	c.settle()
}

func TestAudit_FollowsProofsHeirsAndKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	agree := func() market.Rewards {
		t.Helper()
		w.follow(x)
		found, err := x.Audit(t.Context())
		require.NoError(t, err)
		require.Empty(t, found)
		r, err := x.RewardsAt(t.Context(), must(wrappers.RewardsBirth{Registry: w.registry, Owner: w.me, Index: 1}.Account()))
		require.NoError(t, err)
		return r
	}
	c := w.playConviction()
	r := agree()
	require.Equal(t, []cocoon.Account{w.me, w.me, payee, w.me}, []cocoon.Account{r.Owner, r.Heir, r.NextOwner, r.Operator})
	require.Equal(t, []uint32{2, 2}, []uint32{r.Number, r.Owed})
	require.Equal(t, cocoon.TON(20), r.Bond, "1 TON was left of it, and paid half of the penalty")
	require.Equal(t, cocoon.TON(20), r.Unbonding)
	require.Equal(t, []cocoon.Nano{cocoon.TON(15), cocoon.TON(5)}, []cocoon.Nano{r.Tranches[0].Amount, r.Tranches[1].Amount}, "the newest paid the rest")
	require.Equal(t, &market.Endpoint{URL: "https://a.example", TLSKeyHash: key{7}.text()}, r.Endpoint)
	receipts, later := key(wrappers.PublicKey(testKey("receipts"))), key(wrappers.PublicKey(testKey("later receipts")))
	require.Equal(t, []any{receipts.text(), later.text(), uint32(4)}, []any{r.ReceiptKey, r.NextKey, r.NextKeyFrom})

	failed, err := x.Epoch(t.Context(), c.failed)
	require.NoError(t, err)
	require.Equal(t, []any{"failed", accountOf(2)}, []any{failed.Phase, failed.Proven})
	passed, err := x.Epoch(t.Context(), c.epoch)
	require.NoError(t, err)
	require.Equal(t, []any{"paying", cocoon.Account{}}, []any{passed.Phase, passed.Proven}, "the last published proved nothing")

	seen := r.SeenAt
	w.advance(heirAfter)
	w.send(c.rewards, cocoon.TON(1), nil, body(wrappers.Succeed{}))
	w.settle()
	r = agree()
	require.Equal(t, []cocoon.Account{w.me, {}, {}, w.me}, []cocoon.Account{r.Owner, r.Heir, r.NextOwner, r.Operator})
	require.GreaterOrEqual(t, r.SeenAt, seen+heirAfter)
	w.requireHappened(x, "rewards set_heir", "rewards transfer_ownership", "rewards accept_ownership", "rewards succeed", "rewards rotate_key",
		"rewards set_endpoint", "rewards owe", "rewards failed", "epoch prove")

	events, err := x.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	lodged := slices.IndexFunc(events, func(e market.Event) bool { return e.Name == "owe" })
	require.Contains(t, string(events[lodged].Data), `"provider":"`+accountOf(2).String()+`"`, "what the receipt says, not its hash")

	live := dump(t, x, projected...)
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, live, dump(t, x, projected...))
}

// requireHappened wants each of these to have been taken at least once.
func (w *world) requireHappened(x *Indexer, names ...string) {
	w.t.Helper()
	events, err := x.Events(w.t.Context(), 0, 1000)
	require.NoError(w.t, err)
	happened := map[string]bool{}
	for _, e := range events {
		if e.OK {
			happened[e.Contract+" "+e.Name] = true
		}
	}
	for _, name := range names {
		require.True(w.t, happened[name], "%s did not happen", name)
	}
}

func TestAudit_TellsWhatDiffersOfRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.playConviction()
	w.follow(x)
	for _, field := range []string{"owner", "next_owner", "heir", "operator", "seen_at", "owed", "keys.key", "endpoint.url"} {
		lie(t, x, "rewards", field, "x")
	}
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	whats := map[string]bool{}
	for _, d := range found {
		whats[d.What] = true
	}
	require.Equal(t, map[string]bool{"owner": true, "next_owner": true, "heir": true, "operator": true, "seen_at": true, "owed": true, "keys": true, "endpoint": true}, whats)
}
