package differential

import (
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// program is what a puppet is told to do.
func (w *world) program(depth int) *cell.Cell {
	if w.one(50) {
		return libraryCell(pick(w.dice, sharedProgram().Hash(), w.bytes(32)))
	}
	var ops []op
	if !w.one(5) {
		ops = append(ops, code("F800")) // ACCEPT
	}
	if w.one(6) {
		ops = append(ops, pushRef(w.actions(depth)), code("ED55")) // the action list
	}
	for range w.IntN(5) {
		ops = append(ops, w.instruction(depth)...)
	}
	return assemble(ops...)
}

// storeNumber keeps the number on the stack in the account's data.
const storeNumber = "C8" + "CBFF" + "C9" + "ED54"

func (w *world) instruction(depth int) []op {
	number := func(n *big.Int, then string) []op { return []op{push(n), code(then)} }
	return choose(w.dice,
		weighted[[]op]{40, func() []op { return w.send(depth, "FB00", 0) }},
		weighted[[]op]{3, func() []op { return w.send(depth, "FB08"+storeNumber, w.Int64N(2)<<10) }},
		weighted[[]op]{12, func() []op { return []op{push(w.nano(36)), pushInt(w.reserveMode()), code("FB02")} }},
		weighted[[]op]{3, func() []op { return []op{pushRef(w.newCode()), code("FB04")} }},
		weighted[[]op]{3, func() []op { return []op{pushRef(w.library()), pushInt(w.libraryMode()), code("FB06")} }},
		weighted[[]op]{2, func() []op {
			return append(number(new(big.Int).SetBytes(w.library().Hash()), ""), pushInt(w.libraryMode()), code("FB07"))
		}},
		weighted[[]op]{6, func() []op { return []op{pushRef(w.data()), code("ED54")} }},
		weighted[[]op]{4, func() []op { return []op{code("F80F")} }}, // COMMIT
		weighted[[]op]{6, func() []op { return []op{raws([]byte{0xf2, byte(w.IntN(64))})} }},
		weighted[[]op]{1, func() []op { return number(big.NewInt(w.Int64N(1<<16)), "F2F0") }}, // THROWANY
		weighted[[]op]{3, func() []op { return number(big.NewInt(w.Int64N(3000)), "920000E4") }},
		weighted[[]op]{1, func() []op { return number(big.NewInt(20_000+w.Int64N(20_000)), "920000E4") }}, // more gas than most may have
		weighted[[]op]{2, func() []op { return number(w.nano(22), "F801") }},
		weighted[[]op]{9, w.probe},
		weighted[[]op]{3, w.guess})
}

// send is SENDRAWMSG or SENDMSG, of which a flag makes an estimate.
func (w *world) send(depth int, how string, flag int64) []op {
	message, mode := w.outgoing(depth)
	return []op{pushRef(message), pushInt(mode | flag), code(how)}
}

// mode of a message: those that mean something, in any combination, and some that do not.
func (w *world) mode() int64 {
	if w.one(25) {
		return w.Int64N(256)
	}
	return pick[int64](w.dice, 0, 1, 2, 3, 3, 3, 16, 18, 32, 33, 34, 64, 64, 65, 66, 66, 80, 96, 128, 128, 130, 144, 160, 160, 162, 178)
}

func (w *world) reserveMode() int64 { return pick(w.dice, w.Int64N(32), w.Int64N(16), 0, 2, 4) }

func (w *world) libraryMode() int64 { return pick[int64](w.dice, 0, 1, 2, 2, 3, 16, 17, 18, 31) }

func (w *world) newCode() *cell.Cell {
	return pick(w.dice, puppet(), puppet(), puppet(), clockwork(), libraryCell(puppet().Hash()), assemble(code("F800")))
}

// library is one of few, so that they are removed and published again; one has
// more than the thousand cells that are allowed.
func (w *world) library() *cell.Cell {
	if w.one(10) {
		return w.big[1]
	}
	return assemble(pushInt(w.Int64N(6)))
}

// data are another program, for a clockwork, or only something to pay rent for.
func (w *world) data() *cell.Cell {
	if w.one(4) {
		return tree(1+w.IntN(60), 64+uint(w.IntN(200)), w.Uint64()>>24)
	}
	return cell.BeginCell().MustStoreSlice(w.bytes(8), 64).MustStoreRef(w.program(nesting)).EndCell()
}

// probe keeps something the machine says of itself or its surroundings.
func (w *world) probe() []op {
	simple := []string{
		"F823", "F824", "F825", "F826", "F82C", "F82F", // NOW BLOCKLT LTIME RANDSEED STORAGEFEES DUEPAYMENT
		"F8276F10", "F82B6F10", // BALANCE and INCOMINGVALUE, their coins
		"F829F900", "F82AF900", "F828F901", // hashes of CONFIGROOT, MYCODE, MYADDR
		"F807", "F810", "F814", "F830", // GASCONSUMED RANDU256 SETRAND GETPRECOMPILEDGAS
		"F890", "F891", "F892F901", "F893", "F894", "F895", "F896", "F897", "F898F900", "F899F900", // INMSG_*
		"F82D6F10", "F82E6F10F901", "F8816F86", "F8826F86", // PREVBLOCKSINFOTUPLE UNPACKEDCONFIGTUPLE
	}
	if w.one(3) {
		fees := pick(w.dice, "F836", "F83B") // GETGASFEE, simple
		return []op{push(w.nano(24)), pushInt(-w.Int64N(2)), code(fees + storeNumber)}
	}
	if w.one(3) {
		fees := pick(w.dice, "F838", "F83C", "F83A") // GETFORWARDFEE, simple, GETORIGINALFWDFEE
		return []op{push(w.nano(20)), push(w.nano(14)), pushInt(-w.Int64N(2)), code(fees + storeNumber)}
	}
	if w.one(6) {
		return []op{push(w.nano(20)), push(w.nano(14)), push(w.nano(30)), pushInt(-w.Int64N(2)), code("F837" + storeNumber)} // GETSTORAGEFEE
	}
	return []op{code(pick(w.dice, simple...) + storeNumber)}
}

// guess is any instruction, on a stack with something on it.
func (w *world) guess() []op {
	ops := []op{push(w.nano(60)), pushInt(w.Int64N(20) - 5), pushRef(cell.BeginCell().MustStoreSlice(w.bytes(16), 128).EndCell())}
	w.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return append(ops, raws(w.bytes(1+w.IntN(6))))
}
