package differential

import (
	"bytes"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const (
	genesis  = 1_790_000_000 // unix seconds
	day      = 86_400
	lastTime = 4_000_000_000
	maxQueue = 200
)

// world is a set of accounts and the messages between them.
type world struct {
	dice
	rules *rules
	now   uint32
	lt    uint64

	users    []*user
	inits    []*tlb.StateInit // of all that may live
	places   []*address.Address
	lanes    map[string]lane
	master   []*address.Address // puppets of the masterchain
	clocks   []*address.Address // have ticks and tocks
	remember map[string]*tlb.StateInit
	queue    []letter
	big      []*cell.Cell
}

// letter is a message on its way.
type letter struct {
	to   *address.Address
	cell *cell.Cell
}

func newWorld(r *rules, seed uint64) (*world, error) {
	w := &world{dice: newDice(seed, uint64(r.version)), rules: r, now: genesis, lt: 10 * ltAlign,
		lanes: map[string]lane{}, remember: map[string]*tlb.StateInit{}}
	for i, kind := range []string{"v3", "v3", "v4", "v4", "v5", "v5", "v5"} {
		u, err := newUser(kind, i)
		if err != nil {
			return nil, err
		}
		w.users = append(w.users, u)
		if err = w.settle(u.at, u.init, !w.one(4)); err != nil {
			return nil, err
		}
	}
	// Distinct cells and bits about the limits of a message, 8192 and 2^21.
	w.big = []*cell.Cell{tree(200, 700, 1), tree(2040, 1023, 2), tree(2060, 1023, 3), tree(8180, 64, 4), tree(8200, 64, 5)}
	return w, w.populate()
}

// populate brings contracts into the world: some live, some have a balance only.
func (w *world) populate() error {
	n := 0
	for _, kind := range []struct {
		code  *cell.Cell
		count int
		chain int
		ticks bool
	}{{puppet(), 10, 0, false}, {puppet(), 4, -1, false}, {libraryCell(puppet().Hash()), 2, 0, false},
		{libraryCell(clockwork().Hash()), 1, 0, false}, {clockwork(), 1, 0, false}, {clockwork(), 3, -1, true}} {
		for range kind.count {
			n++
			init := stateInit(kind.code, n, pick(w.dice, 1, 1, 5, 50, 600))
			if kind.chain == -1 && !kind.ticks {
				w.master = append(w.master, init.CalcAddress(kind.chain))
			}
			if kind.ticks {
				init.TickTock = pick(w.dice, &tlb.TickTock{Tick: true, Tock: true}, &tlb.TickTock{Tick: true}, &tlb.TickTock{Tock: true}, &tlb.TickTock{})
				init.Data = cell.BeginCell().MustStoreUInt(uint64(n), 32).MustStoreRef(w.program(nesting)).EndCell()
				w.clocks = append(w.clocks, init.CalcAddress(kind.chain))
			}
			if err := w.settle(init.CalcAddress(kind.chain), init, !w.one(5)); err != nil {
				return err
			}
		}
	}
	return w.populateSpecial()
}

// populateSpecial puts puppets where the config says config and elector are.
func (w *world) populateSpecial() error {
	for i, fill := range []byte{0x55, 0x33} {
		at := address.NewAddress(0, 255, repeat(fill))
		init := stateInit(pick(w.dice, puppet(), clockwork()), 1000+i, 3)
		init.Data = cell.BeginCell().MustStoreUInt(uint64(i), 32).MustStoreRef(w.program(nesting)).EndCell()
		init.TickTock = &tlb.TickTock{Tick: true, Tock: true}
		w.clocks = append(w.clocks, at)
		if err := w.settle(at, init, true); err != nil {
			return err
		}
	}
	return nil
}

func repeat(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// suspendedAddresses may not be born before a date of the harsh config.
func suspendedAddresses() *cell.Dictionary {
	d := cell.NewDict(288)
	for n := range 30 {
		at := stateInit(puppet(), n, 1).CalcAddress(0)
		key := cell.BeginCell().MustStoreInt(0, 32).MustStoreSlice(at.Data(), 256).EndCell()
		if err := d.Set(key, cell.BeginCell().EndCell()); err != nil {
			panic(err)
		}
	}
	return d
}

// settle adds an account to the world, alive or not yet.
func (w *world) settle(at *address.Address, init *tlb.StateInit, alive bool) (err error) {
	w.places, w.inits = append(w.places, at), append(w.inits, init)
	if !alive {
		if w.one(2) {
			return nil
		}
		w.lanes[at.StringRaw()], err = born(at, nil, w.nano(34), w.now)
		return err
	}
	w.lanes[at.StringRaw()], err = born(at, init, new(big.Int).Add(w.nano(40), big.NewInt(1e9)), w.now)
	return err
}

// someone who is, was or may be.
func (w *world) someone() *address.Address { return w.places[w.IntN(len(w.places))] }

// someInit is the state of somebody, at times with something odd about it.
func (w *world) someInit() *cell.Cell {
	init := *w.inits[w.IntN(len(w.inits))]
	switch w.IntN(12) {
	case 0:
		init.Depth = new(uint64(w.IntN(32)))
	case 1:
		init.TickTock = &tlb.TickTock{Tick: w.one(2), Tock: w.one(2)}
	case 2:
		init.Code = nil
	case 3:
		lib := w.library()
		init.Lib = cell.NewDict(256)
		value := cell.BeginCell().MustStoreBoolBit(w.one(2)).MustStoreRef(lib).EndCell()
		if err := init.Lib.Set(cell.BeginCell().MustStoreSlice(lib.Hash(), 256).EndCell(), value); err != nil {
			panic(err)
		}
	}
	return initCell(&init)
}

func (w *world) lane(at *address.Address) lane {
	if l, ok := w.lanes[at.StringRaw()]; ok {
		return l
	}
	l, err := nobody(at)
	if err != nil {
		panic(err)
	}
	return l
}

// keep makes what a step came to part of the world.
func (w *world) keep(s *step, result *tvm.TransactionExecutionResult) {
	if state := s.account.account.State(); state != nil && state.StateInit != nil {
		w.remember[s.at.StringRaw()] = state.StateInit
	}
	w.lanes[s.at.StringRaw()] = lane{result.NextAccount, result.AccountStorageStat}
	w.refound(s.at)
	for _, out := range result.OutMessages {
		if out.Msg.MsgType == tlb.MsgTypeInternal && len(w.queue) < maxQueue {
			w.queue = append(w.queue, letter{out.Msg.AsInternal().DstAddr, out.Cell})
		}
	}
}

// refound begins config and elector anew where they deleted themselves: there is
// no chain without them, and the emulator would not know their successors as special.
func (w *world) refound(at *address.Address) {
	l := w.lanes[at.StringRaw()]
	if state := l.account.State(); !isSpecial(at) || state != nil && state.Status == tlb.AccountStatusActive {
		return
	}
	for i, place := range w.places {
		if place.Equals(at) {
			fresh, err := born(at, w.inits[i], big.NewInt(1e12), w.now)
			if err != nil {
				panic(err)
			}
			w.lanes[at.StringRaw()] = fresh
		}
	}
}

// isSpecial tells whether the config exempts the account from fees.
func isSpecial(at *address.Address) bool {
	return at.Workchain() == -1 && (bytes.Equal(at.Data(), repeat(0x55)) || bytes.Equal(at.Data(), repeat(0x33)))
}
