package sandboxtests

// operatorThiefPlot has a provider's operator key, until the owner has noticed: it may bond the allowance in a job of its own.
func operatorThiefPlot() plot {
	return plot{name: "thief of an operator key", depth: 4, width: 8, coalition: []string{"thief"}, victims: []string{"owner 0"}, theirs: []string{"provider 0"}, scene: duelJobs,
		begin: func(d *duel) {
			d.deal("thief", nobody, [32]byte{})
			d.facts.since = d.now
		},
		bound: func(d *duel) int64 { return d.provider().Allowance.Big().Int64() },
		moves: func(d *duel) [][]move {
			p := d.provider()
			free := d.balance(d.place("provider 0")).Big().Int64() - p.Stake.Big().Int64() - p.Unbonding.Big().Int64()
			return movesWithOneself("thief", p.Stake, p.Allowance, nano(free-1_000_000_000))
		},
		duties: []duty{func(d *duel) (uint32, []move) {
			if d.provider().Operator != publicOf("operator 0") {
				return 0, nil
			}
			return d.facts.since + noticesAfter, []move{{Do: "set_operator", By: "owner 0", At: "provider 0", Key: "operator 1", Value: ton(1)}}
		}},
		exits: [][]duty{ending("thief")}}
}

// selfDealersPlot is a client and a provider that are one, and an honest arbiter: jobs with oneself must make nothing.
func selfDealersPlot() plot {
	p := providerOfJobPlot(arbiter, asleep, true)
	p.name, p.coalition, p.victims = "client and provider", []string{"client 0", "owner 0"}, []string{"treasury", string(arbiter)}
	p.bound = func(*duel) int64 { return 0 }
	forClient, forProvider := movesOfJobClient(arbiter), p.moves
	p.moves = func(d *duel) [][]move { return append(forClient(d), forProvider(d)...) }
	return p
}

// dispatcherThiefPlot has the keys that a dispatcher keeps online: it opens epochs and signs receipts, until the owner has
// noticed. It may take one number's pot, as far as no receipt names it, and a quarter of the penalties that it proves against
// epochs of its own, which cost the bond until it is below its least.
func dispatcherThiefPlot() plot {
	p := dispatcherPlot(true)
	p.name, p.hand, p.coalition, p.victims, p.theirs = "thief of a dispatcher's keys", "operator", []string{"operator", "sybil"}, []string{"owner 1", dispatcherName}, []string{victimName, "rewards 0"}
	begin := p.begin
	p.begin = func(d *duel) {
		begin(d)
		d.say(move{Do: "appoint", By: dispatcherName, At: "rewards 0", Other: "operator", Value: ton(1)}, true)
		d.facts.held["noticed"] = int64(d.now) + noticesAfter
	}
	p.bound = func(d *duel) int64 {
		r := d.rewards()
		penalty := r.Terms.Epoch.Penalty.Big().Int64()
		return d.pot() - d.claims() + (r.Bond.Big().Int64()-r.Terms.MinBond.Big().Int64()+penalty)/4
	}
	p.talk, p.depth, p.width = nil, 6, 4
	p.duties = append(p.duties, func(d *duel) (uint32, []move) {
		if d.rewards().Operator != d.place("operator") {
			return 0, nil
		}
		return uint32(d.facts.held["noticed"]), []move{{Do: "appoint", By: dispatcherName, At: "rewards 0", Other: dispatcherName, Value: ton(1)}}
	})
	p.exits = [][]duty{nil, {sybilsTree, sybilsFirst}}
	return p
}
