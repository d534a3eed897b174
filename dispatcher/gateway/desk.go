package gateway

import (
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// desk gathers the bills of a moment. They are booked together: with one write to
// disk, one acknowledgement for each worker and one message to each daemon.
type desk struct {
	mu      sync.Mutex
	waiting []bill
}

// add reports whether b is the first that waits.
func (d *desk) add(b bill) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, b)
	return len(d.waiting) == 1
}

func (d *desk) take() []bill {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.waiting
	d.waiting = nil
	return all
}

// bookLater has a bill booked soon, with those that come until then.
func (g *Gateway) bookLater(b bill) {
	if !g.desk.add(b) {
		return
	}
	g.later(func() {
		select {
		case <-time.After(g.cfg.Gather):
		case <-g.ctx.Done():
		}
		g.bookAll(g.desk.take())
	})
}

// bookAll books bills. One whose worker has to be asked for its keys first keeps
// nobody else waiting.
func (g *Gateway) bookAll(bills []bill) {
	var ready []bill
	for _, b := range bills {
		if g.keys.knows(b.run()) {
			ready = append(ready, b)
			continue
		}
		g.later(func() { g.book([]bill{b}) })
	}
	g.book(ready)
}

// booking is a bill that is on its way to disk.
type booking struct {
	bill
	of      *request // nil where there is none any more
	ours    bool     // it is of the attempt whose frames the client has
	durable Booking
}

// book has bills on disk, and then tells both sides.
func (g *Gateway) book(bills []bill) {
	var all []booking
	for _, b := range bills {
		k, err := g.enterBill(b)
		if err != nil {
			g.warnOf(b, err)
			continue
		}
		all = append(all, k)
	}
	var done []Booked
	for i, k := range all {
		booked, err := k.durable(g.ctx)
		if err != nil { // as of all that follow
			g.warnOf(k.bill, err)
			all = all[:i]
			break
		}
		done = append(done, booked)
	}
	g.events.hold()
	defer g.events.release()
	acked := map[Run]uint32{}
	for i, k := range all {
		g.tellBooked(k, done[i])
		acked[k.run()] = max(acked[k.run()], done[i].Ack)
	}
	for of, number := range acked {
		g.acks.note(of, number)
		g.send(stream.Candidate{Worker: of.Worker, Boot: of.Boot}, stream.AckVerb, stream.Ack{Rewards: g.cfg.Rewards, Boot: of.Boot, Number: number})
	}
}

func (g *Gateway) warnOf(b bill, err error) {
	g.log.Warn("receipt not taken", "worker", b.u.Worker[:4], "number", b.u.Number, "err", err)
}

// enterBill enters a bill in the books.
func (g *Gateway) enterBill(b bill) (k booking, err error) {
	_, cert, err := g.keysFrom(g.ctx, b.run(), anyAge)
	if err != nil {
		return k, err
	}
	k.bill, k.of = b, g.find(stream.RequestID(b.u.Content.Request))
	var bytes uint64
	k.ours, bytes = k.of.awaits(b.u)
	k.durable, err = g.money.Commit(g.ctx, b.u, cert, bytes)
	if cocoon.KindOf(err) == cocoon.Forbidden { // the certificate may have ended; the receipt comes again
		g.keys.forget(b.run())
	}
	return k, err
}

// tellBooked tells the client of a bill that is on disk.
func (g *Gateway) tellBooked(k booking, booked Booked) {
	switch {
	case k.ours && booked.Void == "":
		k.of.billed(g, k.raw)
	case k.ours && !booked.Again:
		g.log.Warn("worker's bill is void", "worker", k.u.Worker[:4], "request", k.of.route.Request, "why", booked.Void)
		k.of.void(g)
	case k.of == nil && booked.Payer != [32]byte{}:
		g.tell(booked.Payer, stream.Final{Request: stream.RequestID(k.u.Content.Request), Receipt: k.raw}.Bytes())
	}
}
