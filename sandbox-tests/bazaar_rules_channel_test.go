package sandboxtests

import (
	"github.com/cocoon-network/cocoon/wrappers"
)

// judgeChannel: money leaves by vouchers of the client's key, by a close that both
// agreed on, or to the client at its end.
func (x *turn) judgeChannel(was, is wrappers.Channel) {
	x.t.Helper()
	client := was.Birth.Client
	x.require(is.Birth == was.Birth, "the birth has changed")
	x.require(is.Settled.Cmp(was.Settled) >= 0, "settled fell")
	x.require(is.Closed || !was.Closed, "a closed channel is open")
	x.only(is.Settled != was.Settled, "settled", opSettle, opCloseNow)
	x.only(is.Closed != was.Closed, "closed", opFinish, opCloseNow)
	x.only(is.ClosesAt != was.ClosesAt, "closes_at", opRequestClose)
	x.only(is.Key != was.Key || is.Previous != was.Previous || is.PreviousUntil != was.PreviousUntil, "a key", opRotate)
	x.by(client, opOpenChannel, opRotate, opRequestClose, opCloseNow)
	if !x.works() {
		return
	}
	switch x.op {
	case opSettle:
		x.judgeSettle(was, is)
	case opCloseNow:
		m := told[wrappers.CloseNow](x)
		promise, _ := wrappers.Cell(wrappers.ClosePromise{GlobalID: globalID, Contract: x.at, Final: m.Final})
		x.verified(was.Birth.DispatcherKey, promise, m.Signature)
		x.require(is.Settled == m.Final.Nano && is.Closed && !was.Closed, "it settles %s, not %s", is.Settled, m.Final)
	case opRequestClose:
		x.require(was.ClosesAt == 0 && is.ClosesAt == x.now+was.Birth.CloseDelay, "it closes at %d", is.ClosesAt)
	case opRotate:
		x.require(x.now >= was.PreviousUntil && is.Previous == was.Key, "vouchers of a key that counts are lost")
	case opFinish:
		x.require(was.Closed || was.ClosesAt > 0 && x.now >= was.ClosesAt, "it ended before its time")
	}
}

func (x *turn) judgeSettle(was, is wrappers.Channel) {
	x.t.Helper()
	m := told[wrappers.Settle](x)
	v := voucherOver(&channelStory{channel: x.at}, m.Cumulative.Nano)
	hash, err := v.Hash()
	x.require(err == nil, "%v", err)
	key := was.Key
	if !verifies(key, hash[:], m.Signature) {
		key = was.Previous
		x.require(x.now < was.PreviousUntil && verifies(key, hash[:], m.Signature), "nobody signed that voucher")
	}
	paid := x.fell(is.Settled, was.Settled)
	x.require(!was.Closed && is.Settled.Cmp(m.Cumulative.Nano) <= 0, "more is settled than the client signed")
	x.require(x.sent(opSettlement, was.Birth.Rewards).Cmp(paid.Big()) >= 0, "the dispatcher gets less than was settled")
	x.require(x.spent().Cmp(paid) <= 0, "the escrow lost %s for %s", x.spent(), paid)
}
