package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// One channel, its client and its dispatcher, as PROTOCOL.md (off chain, bounds 1 to 6) has them.
const (
	oneReserve  = 2_000_000_000 // nanoTON that one open request may cost; the only one at a time
	mostPromise = 1_000_000_000 // nanoTON of cover that a client signs beyond what it has used
	disputeLoss = 5_000_000     // nanoTON that a dispatcher forgives, and 1 % of what was used
	settleAfter = 3600          // seconds that usage is old before it is settled
)

// duelChannel is client 0's, with rewards 0.
const duelChannel = "channel 0"

func nano(n int64) cocoon.Nano { return cocoon.NanoOf(uint64(max(n, 0))) }

func (d *duel) channel() wrappers.Channel { return stateOf[wrappers.Channel](d.bazaar, duelChannel) }

// deposited is D, all that vouchers may ever take, in nanoTON.
func (d *duel) deposited() int64 {
	return d.channel().Settled.Big().Int64() + d.balance(d.place(duelChannel)).Big().Int64()
}

// channelKeys are those that the client may choose from.
var channelKeys = []string{duelChannel, duelChannel + " next", duelChannel + " third"}

// settling sends, for the dispatcher, the highest voucher held under a key, up to a limit, where it would bring something.
func (d *duel) settling(key string, most int64) []move {
	amount := min(d.facts.held[key], most)
	if c := d.channel(); c.Closed || amount <= c.Settled.Big().Int64() {
		return nil
	}
	return []move{{Do: "settle", By: dispatcherName, At: duelChannel, Key: key, Amount: nano(amount), Value: ton(1)}}
}

// lateSettles: before the old key's end and the channel's, at the last moment that the protocol allows;
// else once usage is old enough.
func lateSettles() (all []duty) {
	for _, key := range channelKeys {
		all = append(all, func(d *duel) (uint32, []move) {
			c := d.channel()
			half := c.Birth.CloseDelay / 2
			switch {
			case c.ClosesAt != 0:
				return c.ClosesAt - half, d.settling(key, d.facts.used+d.facts.open)
			case c.Previous == publicOf(key) && c.PreviousUntil != 0:
				return c.PreviousUntil - half, d.settling(key, d.facts.used)
			case c.Key == publicOf(key):
				return d.facts.since + settleAfter, d.settling(key, d.facts.used)
			}
			return 0, nil
		})
	}
	return all
}

// byClosing is how a client leaves: alone, and at the end somebody finishes.
var byClosing = []duty{
	func(d *duel) (uint32, []move) {
		if c := d.channel(); c.Closed || c.ClosesAt != 0 {
			return 0, nil
		}
		return d.now, []move{{Do: "request_close", By: "client 0", At: duelChannel, Value: ton(1)}}
	},
	func(d *duel) (uint32, []move) {
		c := d.channel()
		if c.Closed || c.ClosesAt == 0 {
			return 0, nil
		}
		return c.ClosesAt, []move{{Do: "finish", By: "crank", At: duelChannel, Value: ton(1)}}
	},
}

// clientPlot is a client that would be served and not pay: it promises too much, rotates, closes early,
// denies what it had, and runs a second daemon on the channel.
func clientPlot() plot {
	return plot{name: "client", depth: 7, width: 12, coalition: []string{"client 0"}, victims: []string{"dispatcher 0"}, theirs: []string{"rewards 0"}, scene: []string{duelChannel},
		begin: func(*duel) {},
		bound: func(d *duel) int64 { return oneReserve + disputeLoss + d.deposited()/100 },
		talk:  talkOfClient, moves: movesOfClient, duties: lateSettles(), exits: [][]duty{byClosing}}
}

// talkOfClient is what a client may say to an honest dispatcher.
func talkOfClient(d *duel, m move) (known, agreed bool) {
	f := &d.facts
	switch m.Do {
	case "ask": // for one request, with a cover voucher; Number 1 is a daemon that does not know of the other's usage
		cover := f.used + f.open + oneReserve
		if m.Number == 1 {
			cover = d.channel().Settled.Big().Int64() + oneReserve
		}
		return true, d.admits(m.Key, cover)
	case "pay":
		f.used, f.open, agreed = f.used+f.open, 0, f.open > 0
		f.since = d.now
		return true, agreed
	case "deny":
		f.disputed, f.open, agreed = f.disputed+f.open, 0, f.open > 0
		return true, agreed
	case "ask to close": // the dispatcher signs what was used, and serves no more
		agreed = !f.promised && f.open == 0
		f.promised, f.promise = f.promised || agreed, f.used
		return true, agreed
	}
	return false, false
}

// admits serves a request if the dispatcher's rule allows it: used + open + reserve <= cover <= deposit,
// under the key in force, no close in sight, and little disputed so far.
func (d *duel) admits(key string, cover int64) bool {
	f, c := &d.facts, d.channel()
	if f.open != 0 || f.promised || c.Closed || c.ClosesAt != 0 || c.Key != publicOf(key) || f.disputed > disputeLoss+f.used/100 {
		return false
	}
	if f.used+oneReserve > cover || cover > d.deposited() {
		return false
	}
	f.held[key] = max(f.held[key], cover)
	f.open = oneReserve
	f.gained += oneReserve
	f.lost += oneReserve
	f.since = d.now
	return true
}

func movesOfClient(d *duel) (all [][]move) {
	for i, key := range channelKeys {
		all = append(all, []move{{Do: "ask", Key: key}},
			[]move{{Do: "ask", Key: key}, {Do: "pay"}, {Do: "ask", Key: key}, {Do: "pay"}, {Do: "ask", Key: key}, {Do: "pay"}},
			[]move{{Do: "ask", Key: key, Number: 1}},
			[]move{{Do: "rotate", By: "client 0", At: duelChannel, Key: key, Value: ton(1)}})
		if i < 2 {
			all = append(all, []move{{Do: "settle", By: "client 0", At: duelChannel, Key: key, Amount: nano(d.deposited() * 2), Value: ton(1)}})
		}
	}
	if d.facts.promised {
		all = append(all, []move{{Do: "close_now", By: "client 0", At: duelChannel, Key: "receipts 0", Amount: nano(d.facts.promise), Value: ton(1)}})
	}
	return append(all, []move{{Do: "pay"}}, []move{{Do: "deny"}}, []move{{Do: "ask to close"}},
		[]move{{Do: "request_close", By: "client 0", At: duelChannel, Value: ton(1)}},
		[]move{{Do: "finish", By: "client 0", At: duelChannel, Value: ton(1)}},
		[]move{{Do: "transfer", By: "client 0", At: duelChannel, Value: ton(3)}})
}
