package sandboxtests

// dispatcherOfChannelPlot is a dispatcher that would take more than was used: the cover rather than the paid voucher,
// by vouchers of its own making, after the close, or by closing alone.
func dispatcherOfChannelPlot() plot {
	return plot{name: "dispatcher and client's cover", depth: 6, width: 8, coalition: []string{"dispatcher 0"}, stock: []string{"rewards 0"}, victims: []string{"client 0"}, scene: []string{duelChannel},
		begin: func(*duel) {},
		bound: func(*duel) int64 { return mostPromise },
		talk:  talkOfDispatcher, moves: movesOfDispatcher,
		duties: []duty{func(d *duel) (uint32, []move) {
			// the client has seen that more was settled than it used, or is served no more
			c := d.channel()
			if c.Closed || c.ClosesAt != 0 || c.Settled.Big().Int64() <= d.facts.used {
				return 0, nil
			}
			return d.now, []move{{Do: "request_close", By: "client 0", At: duelChannel, Value: ton(1)}}
		}},
		exits: [][]duty{byClosing}}
}

// talkOfDispatcher is what happens between it and an honest client.
func talkOfDispatcher(d *duel, m move) (known, agreed bool) {
	f, c := &d.facts, d.channel()
	cover := f.used + mostPromise
	willing := !c.Closed && c.ClosesAt == 0 && c.Settled.Big().Int64() <= f.used && cover <= d.deposited()
	switch m.Do {
	case "ask for cover":
		agreed = willing && f.held[duelChannel] < cover
	case "serve": // half of the cover's worth, for which the client pays at once
		agreed = willing && f.held[duelChannel] >= cover
		if agreed {
			f.used += mostPromise / 2
			f.earned += mostPromise / 2
		}
	default:
		return false, false
	}
	if agreed {
		f.held[duelChannel] = max(f.held[duelChannel], cover)
	}
	return true, agreed
}

func movesOfDispatcher(d *duel) (all [][]move) {
	by := func(do, key string, amount int64) []move {
		return []move{{Do: do, By: "dispatcher 0", At: duelChannel, Key: key, Amount: nano(amount), Value: ton(1)}}
	}
	rest := d.deposited() - 100_000_000
	all = append(all, []move{{Do: "ask for cover"}}, []move{{Do: "serve"}}, by("settle", "receipts 0", rest),
		by("close_now", "receipts 0", rest), by("close_now", "receipts 0", d.facts.used), by("finish", "", 0), by("request_close", "", 0), by("rotate", "receipts 0", 0))
	for _, m := range [][]move{d.settling(duelChannel, d.facts.used), d.settling(duelChannel, d.facts.held[duelChannel])} {
		if m != nil {
			all = append(all, m)
		}
	}
	return all
}
