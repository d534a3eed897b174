package funcc

import (
	"errors"
	"strings"
)

// exceptions is the part of the C++ runtime that Emscripten leaves to the
// host. A thrown object has a header in front of it, laid out as below.
type exceptions struct {
	last     uint32   // thrown last and not yet ended
	caught   []uint32 // being handled, innermost last
	uncaught uint64
	temp     uint64 // second result of a search for a handler: the type
}

// Offsets from the object back into its header.
const (
	headerSize     = 24
	headerRefs     = 24
	headerType     = 20
	headerDestroy  = 16
	headerCaught   = 12
	headerRethrown = 11
	headerAdjusted = 8
)

// cppThrow unwinds the compiler to the nearest invoke_.
type cppThrow struct{ object uint32 }

func (cppThrow) Error() string { return "an exception that nothing catches" }

func (in *instance) allocateException(args []uint64) uint64 {
	return in.call("_malloc", args[0]+headerSize) + headerSize
}

func (in *instance) freeException(args []uint64) uint64 {
	return in.call("_free", args[0]-headerSize)
}

func (in *instance) throw(args []uint64) uint64 {
	object := uint32(args[0])
	in.setU32(object-headerRefs, 0)
	in.setU32(object-headerType, uint32(args[1]))
	in.setU32(object-headerDestroy, uint32(args[2]))
	in.setU32(object-headerAdjusted, 0)
	in.setFlag(object-headerCaught, false)
	in.setFlag(object-headerRethrown, false)
	in.thrown.uncaught++
	in.thrown.last = object
	panic(cppThrow{object})
}

func (in *instance) rethrow([]uint64) uint64 {
	t := &in.thrown
	if len(t.caught) == 0 {
		panic(aborted{"rethrow without an exception"})
	}
	object := t.caught[len(t.caught)-1]
	if in.flag(object - headerRethrown) {
		t.caught = t.caught[:len(t.caught)-1]
	} else {
		in.setFlag(object-headerRethrown, true)
		in.setFlag(object-headerCaught, false)
		t.uncaught++
	}
	t.last = object
	panic(cppThrow{object})
}

func (in *instance) resume(args []uint64) uint64 {
	if in.thrown.last == 0 {
		in.thrown.last = uint32(args[0])
	}
	panic(cppThrow{uint32(args[0])})
}

// findCatch chooses among the types a handler takes; the chosen type is the
// second result.
func (in *instance) findCatch(types []uint64) uint64 {
	object := in.thrown.last
	in.thrown.temp = 0
	if object == 0 {
		return 0
	}
	in.setU32(object-headerAdjusted, object)
	thrown := in.u32(object - headerType)
	if thrown == 0 {
		return uint64(object)
	}
	in.thrown.temp = uint64(thrown)
	for _, t := range types {
		if t == 0 || uint32(t) == thrown {
			break
		}
		if in.call("___cxa_can_catch", t, uint64(thrown), uint64(object-headerAdjusted)) != 0 {
			in.thrown.temp = t
			break
		}
	}
	return uint64(object)
}

func (in *instance) beginCatch(args []uint64) uint64 {
	object := uint32(args[0])
	if !in.flag(object - headerCaught) {
		in.setFlag(object-headerCaught, true)
		in.thrown.uncaught--
	}
	in.setFlag(object-headerRethrown, false)
	in.thrown.caught = append(in.thrown.caught, object)
	in.setU32(object-headerRefs, in.u32(object-headerRefs)+1)
	if in.call("___cxa_is_pointer_type", uint64(in.u32(object-headerType))) != 0 {
		return uint64(in.u32(object))
	}
	if adjusted := in.u32(object - headerAdjusted); adjusted != 0 {
		return uint64(adjusted)
	}
	return uint64(object)
}

func (in *instance) endCatch([]uint64) uint64 {
	in.call("_setThrew", 0, 0)
	t := &in.thrown
	if len(t.caught) == 0 {
		panic(aborted{"end of a handler that never began"})
	}
	object := t.caught[len(t.caught)-1]
	t.caught = t.caught[:len(t.caught)-1]
	t.last = 0
	refs := in.u32(object-headerRefs) - 1
	in.setU32(object-headerRefs, refs)
	if refs == 0 && !in.flag(object-headerRethrown) {
		in.destroy(object)
	}
	return 0
}

func (in *instance) destroy(object uint32) {
	if destructor := in.u32(object - headerDestroy); destructor != 0 {
		// Destructors return their object here, see the C++ ABI of wasm.
		if err := in.run(in.shim, "invoke_ii", []uint64{uint64(destructor), uint64(object)}); err != nil {
			panic(err)
		}
	}
	in.call("_free", uint64(object-headerSize))
}

// invoke calls the function in a table slot; an exception out of it becomes a
// flag the compiler looks at. Anything else goes on unwinding. No compilation
// goes on for long without coming through here, so here it can be stopped.
func (in *instance) invoke(name string, stack []uint64) {
	if err := in.ctx.Err(); err != nil {
		panic(err)
	}
	sp := in.call("stackSave")
	err := in.indirect(name, stack)
	if err == nil {
		return
	}
	if _, isThrow := errors.AsType[cppThrow](err); !isThrow {
		panic(err)
	}
	in.call("stackRestore", sp)
	in.call("_setThrew", 1, 0)
	stack[0] = 0
}

func (in *instance) indirect(name string, stack []uint64) error {
	if sig := strings.TrimPrefix(name, "invoke_"); strings.Contains(sig, "j") {
		return in.run(in.main, "dynCall_"+sig, stack)
	}
	return in.run(in.shim, name, stack)
}
