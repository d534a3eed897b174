package funcc

import (
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Names by which the shim finds its neighbours.
const (
	hostModule     = "host"
	mainModule     = "main"
	callbackModule = "callback"
	callbackName   = "read"
	callbackSlot   = "slot"
)

// A few bytes of the WebAssembly binary format.
const (
	typeFunc    = 0x60
	typeFuncref = 0x70
	kindFunc    = 0
	kindTable   = 1
	opEnd       = 0x0b
	opCall      = 0x10
	opIndirect  = 0x11
	opLocalGet  = 0x20
	opI32Const  = 0x41
	opRefFunc   = 0xd2
	opMisc      = 0xfc
	miscGrow    = 15
)

// signature is the type of an invoke_ import: the table slot, then what the
// function in that slot takes.
type signature struct {
	name            string
	params, results []api.ValueType
}

// invokes lists the invoke_ imports that reach a function through the table.
// Those with a 64-bit integer have an export of their own, see indirect.
func invokes(module wazero.CompiledModule, g glue) []signature {
	var list []signature
	for _, def := range module.ImportedFunctions() {
		_, letter, _ := def.Import()
		name := g.imports[letter]
		if strings.HasPrefix(name, "invoke_") && !strings.Contains(name[len("invoke_"):], "j") {
			list = append(list, signature{name, def.ParamTypes(), def.ResultTypes()})
		}
	}
	return list
}

// shim assembles a module that does what a host function cannot: it calls
// through the compiler's table, one export for each signature, and puts the
// read callback into that table. The lookup from Go that wazero has for this
// goes astray in slots that hold an import.
func shim(table string, list []signature) []byte {
	reader := []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	types := [][]byte{funcType(reader, nil), funcType(nil, []api.ValueType{api.ValueTypeI32})}
	imports := [][]byte{
		entry(callbackModule, callbackName, kindFunc, 0),
		entry(mainModule, table, kindTable, typeFuncref, 0, 0),
	}
	// Function 0 is the imported callback, 1 wraps it, 2 puts the wrapper into
	// the table and returns its slot.
	funcs := [][]byte{{0}, {1}}
	exports := [][]byte{export(callbackSlot, 2)}
	code := [][]byte{
		body(append(locals(0, len(reader)), opCall, 0)),
		body([]byte{opRefFunc, 1, opI32Const, 1, opMisc, miscGrow, 0}),
	}
	for _, s := range list {
		outer, inner := uleb(len(types)), uleb(len(types)+1)
		types = append(types, funcType(s.params, s.results), funcType(s.params[1:], s.results))
		exports = append(exports, export(s.name, 1+len(funcs)))
		funcs = append(funcs, outer)
		call := append(locals(1, len(s.params)), opLocalGet, 0, opIndirect)
		code = append(code, body(append(append(call, inner...), 0)))
	}
	declared := [][]byte{{3, kindFunc, 1, 1}} // ref.func needs its function declared

	module := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	module = append(module, section(1, types)...)
	module = append(module, section(2, imports)...)
	module = append(module, section(3, funcs)...)
	module = append(module, section(7, exports)...)
	module = append(module, section(9, declared)...)
	return append(module, section(10, code)...)
}

func section(id byte, items [][]byte) []byte {
	content := uleb(len(items))
	for _, item := range items {
		content = append(content, item...)
	}
	return append(append([]byte{id}, uleb(len(content))...), content...)
}

func funcType(params, results []api.ValueType) []byte {
	t := append([]byte{typeFunc}, uleb(len(params))...)
	t = append(append(t, params...), uleb(len(results))...)
	return append(t, results...)
}

func entry(module, name string, description ...byte) []byte {
	return append(append(text(module), text(name)...), description...)
}

func export(name string, function int) []byte {
	return append(append(text(name), kindFunc), uleb(function)...)
}

// body is a function without locals of its own.
func body(code []byte) []byte {
	code = append(append([]byte{0}, code...), opEnd)
	return append(uleb(len(code)), code...)
}

// locals pushes the parameters from..to-1.
func locals(from, to int) []byte {
	var code []byte
	for i := from; i < to; i++ {
		code = append(append(code, opLocalGet), uleb(i)...)
	}
	return code
}

func text(s string) []byte { return append(uleb(len(s)), s...) }

func uleb(v int) []byte {
	var out []byte
	for v >= 0x80 {
		out = append(out, byte(v)|0x80)
		v >>= 7
	}
	return append(out, byte(v))
}
