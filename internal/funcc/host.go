package funcc

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// handler is one import of the compiler: its arguments in, its result out,
// which is ignored where it has none.
type handler func(in *instance, args []uint64) uint64

// aborted is the compiler giving up for good.
type aborted struct{ reason string }

func (a aborted) Error() string { return "the compiler gave up: " + a.reason }

// handlers has what the compiler needs to compile. Whatever else it imports is
// refused when called, see handlerOf.
var handlers = map[string]handler{
	"___cxa_allocate_exception":           (*instance).allocateException,
	"___cxa_free_exception":               (*instance).freeException,
	"___cxa_throw":                        (*instance).throw,
	"___cxa_rethrow":                      (*instance).rethrow,
	"___resumeException":                  (*instance).resume,
	"___cxa_begin_catch":                  (*instance).beginCatch,
	"___cxa_end_catch":                    (*instance).endCatch,
	"___cxa_uncaught_exceptions":          func(in *instance, _ []uint64) uint64 { return in.thrown.uncaught },
	"_llvm_eh_typeid_for":                 func(_ *instance, args []uint64) uint64 { return args[0] },
	"_getTempRet0":                        func(in *instance, _ []uint64) uint64 { return in.thrown.temp },
	"_setTempRet0":                        (*instance).setTemp,
	"_abort":                              func(*instance, []uint64) uint64 { panic(aborted{"abort"}) },
	"_exit":                               (*instance).exit,
	"_emscripten_asm_const_int":           (*instance).inlineScript,
	"_emscripten_log":                     (*instance).logLine,
	"_emscripten_resize_heap":             (*instance).grow,
	"_emscripten_get_heap_max":            func(*instance, []uint64) uint64 { return maxMemory },
	"_emscripten_get_now":                 standstill,
	"__emscripten_date_now":               standstill,
	"__emscripten_get_now_is_monotonic":   func(*instance, []uint64) uint64 { return 1 },
	"__emscripten_fs_load_embedded_files": (*instance).loadFiles,
	"__tzset_js":                          (*instance).timeZone,
	"__gmtime_js":                         (*instance).brokenDownTime,
	"__localtime_js":                      (*instance).brokenDownTime,
	"_getentropy":                         (*instance).entropy,
	"_environ_sizes_get":                  (*instance).emptyEnvironment,
	"_environ_get":                        func(*instance, []uint64) uint64 { return 0 },
	"___syscall_openat":                   (*instance).openAt,
	"___syscall_stat64":                   (*instance).stat,
	"___syscall_lstat64":                  (*instance).stat,
	"___syscall_newfstatat":               (*instance).statAt,
	"___syscall_fstat64":                  (*instance).statFile,
	"___syscall_getcwd":                   (*instance).workDir,
	"_fd_close":                           (*instance).closeFile,
	"_fd_read":                            (*instance).readFile,
	"_fd_pread":                           (*instance).readFileAt,
	"_fd_seek":                            (*instance).seek,
	"_fd_write":                           (*instance).write,
}

const (
	pageSize  = 1 << 16
	maxMemory = 1 << 31
	tmSize    = 44 // of C's struct tm
)

// handlerOf finds the handler of an import by its name.
func handlerOf(name string) handler {
	if h := handlers[name]; h != nil {
		return h
	}
	if strings.HasPrefix(name, "___cxa_find_matching_catch_") {
		return (*instance).findCatch
	}
	return func(*instance, []uint64) uint64 {
		panic(fmt.Errorf("the compiler calls %s, which it never needed to compile FunC", name))
	}
}

// standstill is every clock, in milliseconds.
func standstill(*instance, []uint64) uint64 { return math.Float64bits(0) }

func (in *instance) setTemp(args []uint64) uint64 {
	in.thrown.temp = args[0]
	return 0
}

// entropy seeds the hash tables of the compiler, always alike.
func (in *instance) entropy(args []uint64) uint64 {
	clear(in.bytes(uint32(args[0]), uint32(args[1])))
	return 0
}

// timeZone is UTC, without names.
func (in *instance) timeZone(args []uint64) uint64 {
	in.setU32(uint32(args[0]), 0)
	in.setU32(uint32(args[1]), 0)
	return 0
}

// brokenDownTime is the start of 1900, whatever was asked for.
func (in *instance) brokenDownTime(args []uint64) uint64 {
	clear(in.bytes(uint32(args[1]), tmSize))
	return 0
}

func (in *instance) emptyEnvironment(args []uint64) uint64 {
	in.setU32(uint32(args[0]), 0)
	in.setU32(uint32(args[1]), 0)
	return 0
}

func (in *instance) exit(args []uint64) uint64 {
	panic(aborted{"exit " + strconv.FormatUint(args[0], 10)})
}

// logLine keeps what the compiler says about its own insides. It takes
// printf's format and arguments, of which only whole strings are used.
func (in *instance) logLine(args []uint64) uint64 {
	line := in.cstring(uint32(args[1]))
	if line == "%s" {
		line = in.cstring(in.u32(uint32(args[2])))
	}
	in.logged.WriteString(line + "\n")
	return 0
}

// inlineScript stands in for the JavaScript inlined in the C++ sources: one
// throws a message, the others ask for a random number.
func (in *instance) inlineScript(args []uint64) uint64 {
	if strconv.FormatUint(args[0], 10) == in.glue.thrower {
		panic(aborted{in.cstring(in.u32(uint32(args[2])))})
	}
	return 4
}

func (in *instance) grow(args []uint64) uint64 {
	size := uint64(in.mem.Size())
	if args[0] > maxMemory || args[0] <= size {
		return truth(args[0] <= size)
	}
	// A fifth more than asked, so that a big contract does not grow page by page.
	want := min(max(args[0], size+size/5), maxMemory)
	_, ok := in.mem.Grow(uint32((want - size + pageSize - 1) / pageSize))
	return truth(ok)
}
