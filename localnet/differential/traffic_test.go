package differential

import (
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// next is what happens now: a message that waits, or something new.
func (w *world) next() *step {
	w.pass()
	if len(w.queue) > 0 && (len(w.queue) > maxQueue/2 || w.IntN(10) < 5) {
		i := w.IntN(len(w.queue))
		l := w.queue[i]
		w.queue[i] = w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		return w.step(l.to, l.cell)
	}
	return choose(w.dice,
		weighted[*step]{40, func() *step {
			at := w.someone()
			return w.step(at, w.internal(at, w.funds(), w.maybeInit(at), w.body(0)))
		}},
		weighted[*step]{20, func() *step { at := w.someone(); return w.step(at, w.fromNowhere(at, w.maybeInit(at), w.body(0))) }},
		weighted[*step]{25, func() *step { u := w.users[w.IntN(len(w.users))]; return w.step(u.at, w.order(u)) }},
		weighted[*step]{8, w.revive},
		weighted[*step]{1, w.large},
		weighted[*step]{6, w.tick})
}

// funds are enough for what a program does, mostly.
func (w *world) funds() *big.Int {
	if w.one(4) {
		return w.nano(30)
	}
	return new(big.Int).Add(big.NewInt(1e8), w.nano(38))
}

// pass lets time pass: seconds mostly, years seldom.
func (w *world) pass() {
	w.lt += uint64(1+w.IntN(3))*ltAlign + uint64(w.IntN(2)*w.IntN(500))
	now := w.now
	switch {
	case w.one(400):
		now += uint32(w.IntN(3 * 365 * day))
	case w.one(20):
		now += uint32(w.IntN(5 * day))
	default:
		now += uint32(w.IntN(60))
	}
	w.now = min(now, lastTime)
}

func (w *world) step(at *address.Address, message *cell.Cell) *step {
	s := &step{at: at, account: w.lane(at), message: message, now: w.now, lt: w.lt}
	copy(s.seed[:], w.bytes(32))
	return s
}

// maybeInit is a state init for whom it may bring to life, or for nobody.
func (w *world) maybeInit(at *address.Address) *cell.Cell {
	for i, place := range w.places {
		if place == at && w.one(3) {
			return initCell(w.inits[i])
		}
	}
	if w.one(20) {
		return w.someInit()
	}
	return nil
}

// revive sends somebody that was alive the state it had, with money for its debts.
func (w *world) revive() *step {
	at := w.someone()
	for range 10 {
		if state := w.lane(at).account.State(); state != nil && state.IsValid && state.Status == tlb.AccountStatusFrozen {
			break
		}
		at = w.someone()
	}
	init := w.maybeInit(at)
	if last := w.remember[at.StringRaw()]; last != nil && !w.one(4) {
		init = initCell(last)
	}
	nano := new(big.Int).Add(w.nano(42), w.nano(38))
	return w.step(at, w.internal(at, nano, init, w.body(1)))
}

// large tells a puppet to send something about as large as a message may be, or
// one of the masterchain to keep about as much as an account there may.
func (w *world) large() *step {
	body := w.big[w.IntN(len(w.big))]
	at, ops := w.someone(), []op{code("F800")}
	if w.one(3) {
		at = w.master[w.IntN(len(w.master))]
		ops = append(ops, pushRef(body), code("ED54"))
	} else {
		b := cell.BeginCell()
		w.storeInternal(b, faultless)
		message := attach(b.MustStoreBoolBit(false), body, false)
		ops = append(ops, pushRef(message), pushInt(pick[int64](w.dice, 0, 1, 2, 3, 16, 18, 64)), code("FB00"))
	}
	return w.step(at, w.internal(at, new(big.Int).Add(big.NewInt(1e10), w.nano(40)), nil, cell.BeginCell().MustStoreRef(assemble(ops...)).EndCell()))
}

// tick is for contracts that have it: the masterchain wakes no others.
func (w *world) tick() *step {
	tock := w.one(2)
	for range 20 {
		s := w.step(w.clocks[w.IntN(len(w.clocks))], nil)
		s.tock = tock
		if state := s.account.account.State(); state != nil && state.Status == tlb.AccountStatusActive && state.StateInit.TickTock != nil &&
			(tock && state.StateInit.TickTock.Tock || !tock && state.StateInit.TickTock.Tick) {
			return s
		}
	}
	return w.revive()
}
