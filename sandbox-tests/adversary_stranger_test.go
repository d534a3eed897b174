package sandboxtests

// strangerPlot is whoever holds no key: it reports what is true and what is not, replays, pushes what others
// were promised, and finishes early. One report is its honest reward.
func strangerPlot() plot {
	const mine = "stranger"
	return plot{name: "stranger", depth: 5, width: 8, coalition: []string{mine}, victims: []string{"owner 0", "client 0", "client 1"}, theirs: []string{"provider 0", "rewards 0", duelChannel, duelJobs[0]},
		begin: func(d *duel) {
			d.deal("client 0", nobody, [32]byte{})
			d.facts.held[duelChannel] = oneReserve
			for _, m := range []move{
				{Do: "request_close", By: "client 0", At: duelChannel, Value: ton(1)},
				opening("client 0", duelJobs[0]),
				{Do: "open_epoch", By: "dispatcher 0", At: "rewards 0", Amount: ton(30), Value: ton(2), Count: 4},
			} {
				d.play(m)
				d.drain()
			}
			d.say(move{Do: "publish", By: "dispatcher 0", At: d.epochs[0], Count: 4, Value: ton(1)}, true)
		},
		bound: func(*duel) int64 { return shareOfGPU / reporterPart }, // for the one equivocation that there was
		moves: movesOfStranger, exits: [][]duty{nil}}
}

func movesOfStranger(d *duel) (all [][]move) {
	const mine = "stranger"
	add := func(m move) {
		m.By, m.Value = mine, ton(2)
		all = append(all, []move{m})
	}
	add(reporting(mine, "worker 1"))
	honest := reporting(mine, "worker 0")
	honest.Number = 1 // the same request, asked twice: two receipts of other numbers
	add(honest)
	add(move{Do: "settle", At: duelChannel, Key: duelChannel, Amount: nano(oneReserve)})
	add(move{Do: "settle", At: duelChannel, Key: mine, Amount: nano(2 * oneReserve)})
	for _, at := range []string{duelChannel, duelJobs[0], d.epochs[0]} {
		add(move{Do: "finish", At: at})
	}
	add(move{Do: "expire", At: duelJobs[0]})
	add(move{Do: "accept_job", At: "provider 0", Key: "operator 0", Worker: "worker 0", Other: duelJobs[0], Amount: nano(jobBond), Wait: orderLasts})
	add(move{Do: "deliver_result", At: duelJobs[0], Worker: "worker 0", Amount: nano(jobBudget)})
	add(move{Do: "prune", At: "provider 0", Worker: "worker 1"})
	for _, do := range []string{"pass", "fail"} {
		add(move{Do: do, At: d.epochs[0]})
	}
	for i := range 2 {
		add(move{Do: "claim", At: d.epochs[0], Index: 3 * i})
		add(move{Do: "push", At: d.epochs[0], Index: 2 * i, Count: 2})
	}
	add(move{Do: "fund", At: "rewards 0", Amount: ton(1)})
	add(move{Do: "passed", At: "rewards 0", Number: 1})
	add(move{Do: "failed", At: "rewards 0", Number: 1, Amount: ton(30), Other: mine})
	add(move{Do: "income", At: "provider 0", Amount: ton(1)})
	return all
}
