package gateway

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// bookLater has a bill booked soon, with those that come until then: with one write to
// disk, one acknowledgement for each worker and one message to each daemon.
func (g *Gateway) bookLater(b bill) {
	if !g.bills.Add(b) {
		return
	}
	g.later(func() {
		select {
		case <-time.After(g.cfg.Gather):
		case <-g.ctx.Done():
		}
		g.bookAll(g.bills.Take())
	})
}

// bookAll books bills. One whose worker has to be asked for its keys first keeps
// nobody else waiting.
func (g *Gateway) bookAll(bills []bill) {
	var ready []bill
	for _, b := range bills {
		if g.keys.ready(b.run()) {
			ready = append(ready, b)
			continue
		}
		g.later(func() { g.book([]bill{b}) })
	}
	g.book(ready)
}

// entered is a bill in the books, on its way to disk.
type entered struct {
	bill
	of     *request // nil where there is none any more
	ours   bool     // it is of the attempt whose frames the client has
	ticket Ticket
	Booked // once it is on disk
}

// book has bills on disk, and then tells both sides.
func (g *Gateway) book(bills []bill) {
	var all []entered
	for _, b := range bills {
		e, err := g.enterBill(b)
		if err != nil {
			g.warnOf(b, err)
			continue
		}
		all = append(all, e)
	}
	for i := range all {
		var err error
		if all[i].Booked, err = all[i].ticket(g.ctx); err != nil { // as of all that follow
			g.warnOf(all[i].bill, err)
			all = all[:i]
			break
		}
	}
	g.events.hold()
	defer g.events.release()
	acked := map[Run]uint32{}
	for _, e := range all {
		g.tellBooked(e)
		acked[e.run()] = max(acked[e.run()], e.Ack)
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
func (g *Gateway) enterBill(b bill) (e entered, err error) {
	_, cert, err := g.keysFrom(g.ctx, b.run(), anyAge)
	if err != nil {
		return e, err
	}
	e.bill, e.of = b, g.find(stream.RequestID(b.u.Content.Request))
	var bytes uint64
	e.ours, bytes = e.of.awaits(b.u)
	e.ticket, err = g.money.Commit(g.ctx, b.u, cert, bytes)
	if cocoon.KindOf(err) == cocoon.Forbidden { // the certificate may have ended; the receipt comes again
		g.keys.forget(b.run())
	}
	return e, err
}

// tellBooked tells the client of a bill that is on disk.
func (g *Gateway) tellBooked(e entered) {
	switch {
	case e.ours && e.Void == "":
		e.of.billed(g, e.raw)
	case e.ours && !e.Again:
		g.log.Warn("worker's bill is void", "worker", e.u.Worker[:4], "request", e.of.route.Request, "why", e.Void)
		e.of.void(g)
	case e.of == nil && e.Payer != [32]byte{}:
		g.tell(e.Payer, stream.Final{Request: stream.RequestID(e.u.Content.Request), Receipt: e.raw}.Bytes())
	}
}
