package sandboxtests

import (
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (d *drawing) toRewards(i int) move {
	at := numbered("rewards", i)
	r := stateOf[wrappers.Rewards](d.bazaar, at)
	people := []string{numbered("dispatcher", i), numbered("heir", i), numbered("next", i), "operator of rewards"}
	owner := d.who(r.Owner, people...)
	switch d.n(18) {
	case 0, 1:
		return move{Do: "bond", By: "stranger", At: at, Amount: d.part(ton(40))}
	case 2:
		return move{Do: "fund", By: "stranger", At: at, Amount: d.part(ton(40))}
	case 3:
		return move{Do: "request_unbond", By: owner, At: at, Amount: d.part(r.Bond), Value: ton(1)}
	case 4, 5:
		return move{Do: "withdraw", By: owner, At: at, Amount: d.part(r.Unbonding), Value: ton(1)}
	case 6:
		return move{Do: one(d, "set_heir", "transfer_ownership", "appoint"), By: owner, At: at, Other: one(d, people...)}
	case 7:
		return move{Do: "accept_ownership", By: d.who(r.NextOwner, people...), At: at}
	case 8:
		return move{Do: "succeed", By: d.who(r.Heir, people...), At: at}
	case 9:
		return move{Do: "rotate_key", By: owner, At: at, Key: d.receiptKey(i)}
	case 10:
		number := int(r.Number) + d.n(3)
		return move{Do: "owe", By: "stranger", At: at, Key: d.keyOf(i, r.Keys.Of(uint32(number))), Number: number, Other: numbered("provider", d.n(3)), Amount: d.part(ton(2)), Value: ton(1)}
	case 11:
		return move{Do: "refresh_terms", By: owner, At: at, Number: d.n(3)}
	}
	return move{Do: "open_epoch", By: d.who(r.Operator, people...), At: at, Amount: d.part(ton(60)), Value: ton(2), Count: 1 + d.n(6), Number: one(d, 0, 0, 0, 0, 0, 1, 2, 3)}
}

// receiptKey is the name of one of a dispatcher's.
func (d *drawing) receiptKey(i int) string {
	return one(d, numbered("receipts", i), fmt.Sprint("receipts ", i, " next"))
}

// keyOf is the name of that receipt key, most often.
func (d *drawing) keyOf(i int, key [32]byte) string {
	return d.signer(key, numbered("receipts", i), fmt.Sprint("receipts ", i, " next"))
}

func (d *drawing) toEpoch() move {
	if len(d.epochs) == 0 {
		return d.toRewards(d.n(manyRewards))
	}
	at := d.epochs[max(0, len(d.epochs)-1-d.n(3))]
	e, tree := stateOf[wrappers.Epoch](d.bazaar, at), d.treeOfEpoch(at)
	if e.Opened == nil || tree == nil {
		return move{Do: one(d, "fail", "pass", "finish"), By: "stranger", At: at}
	}
	n := len(tree.leaves)
	if d.rarely(6) {
		return move{Do: one(d, "publish", "push", "claim", "fail", "pass", "finish"), By: "stranger", At: at, Index: d.n(n), Count: 1 + d.n(n)}
	}
	switch e.Phase {
	case wrappers.EpochPublishing:
		left := n - int(e.Published)
		return move{Do: one(d, "publish", "publish", "publish", "fail"), By: "stranger", At: at, Index: int(e.Published), Count: max(1, left-d.n(2)*d.n(left))}
	case wrappers.EpochWindow:
		if d.n(2) == 0 {
			return d.proving(at, e, tree)
		}
		return move{Do: "pass", By: "stranger", At: at}
	case wrappers.EpochPaying:
		left := n - int(e.Cursor)
		if left > 0 && d.n(3) == 0 {
			return move{Do: "push", By: "stranger", At: at, Index: int(e.Cursor), Count: max(1, left-d.n(2)*d.n(left))}
		}
		return move{Do: one(d, "claim", "claim", "finish", "pass"), By: "stranger", At: at, Index: d.n(n)}
	}
	return move{Do: one(d, "fail", "finish", "pass", "claim"), By: "stranger", At: at, Index: d.n(n)}
}

// proving shows a receipt over less than a leaf, as much or more.
func (d *drawing) proving(at string, e wrappers.Epoch, tree *planted) move {
	var r int
	_, _ = fmt.Sscanf(d.nameOf(e.Birth.Rewards), "rewards %d", &r)
	i := d.n(len(tree.leaves))
	l := tree.leaves[i]
	other := numbered("payee", 0)
	if name, ours := d.names[l.Provider]; ours {
		other = name
	}
	amount := plus(d.t, l.Amount.Nano, cocoon.NanoOf(uint64(d.n(3))))
	return move{Do: "prove", By: "stranger", At: at, Index: i, Key: d.keyOf(r, e.Opened.ReceiptKey), Number: int(e.Birth.Number), Other: other, Amount: amount, Value: ton(1)}
}

func (d *drawing) toChannel(i int) move {
	at, client := numbered("channel", i), numbered("client", i%2)
	c := stateOf[wrappers.Channel](d.bazaar, at)
	if c.Birth.CloseDelay == 0 {
		return move{Do: one(d, "transfer", "open_channel"), By: client, At: at, Value: plus(d.t, ton(1), d.part(ton(20))), Init: true}
	}
	keys := []string{at, at + " next", at + " third"}
	switch d.n(12) {
	case 0:
		return move{Do: "rotate", By: client, At: at, Key: one(d, keys...)}
	case 1:
		return move{Do: one(d, "request_close", "open_channel"), By: client, At: at}
	case 2:
		return move{Do: "finish", By: "stranger", At: at}
	case 3:
		if d.rarely(3) {
			return move{Do: "close_now", By: client, At: at, Amount: plus(d.t, c.Settled, d.part(ton(3))), Value: ton(1), Key: one(d, numbered("receipts", i%manyRewards), numbered("receipts", i%manyRewards), at)}
		}
	case 4:
		return move{Do: "transfer", By: client, At: at, Value: d.part(ton(20))}
	}
	return move{Do: "settle", By: "relay", At: at, Key: d.signer(c.Key, keys...), Amount: plus(d.t, c.Settled, d.part(ton(2))), Value: d.value(cocoon.Nano{})}
}
