package funcc

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// smallGlue has the shape of Emscripten's output for a module with two imports.
const smallGlue = `wasmMemory=Module["asm"]["c"];wasmTable=Module["asm"]["d"];` +
	`var ASM_CONSTS={7:$0=>{throw UTF8ToString($0)}};` +
	`var asmLibraryArg={"a":___cxa_throw,"$":invoke_vi};` +
	`var _free=Module["_free"]=function(){return(_free=Module["_free"]=Module["asm"]["e"]).apply(null,arguments)};`

func TestParseGlue_FindsTheNamesBehindTheLetters(t *testing.T) {
	t.Parallel()
	got, err := parseGlue([]byte(smallGlue))
	require.NoError(t, err)
	require.Equal(t, glue{
		imports: map[string]string{"a": "___cxa_throw", "$": "invoke_vi"},
		exports: map[string]string{"_free": "e"},
		memory:  "c", table: "d", thrower: "7",
	}, got)
}

func TestParseGlue_RefusesAnotherGlue(t *testing.T) {
	t.Parallel()
	_, err := parseGlue([]byte("module.exports = {}"))
	require.ErrorContains(t, err, "no list of imports")
	_, err = parseGlue([]byte(`asmLibraryArg={"a":___cxa_throw};`))
	require.ErrorContains(t, err, "nothing in it matches")
}

func TestLoad_TakesTheWasmOutOfItsScript(t *testing.T) {
	t.Parallel()
	root := fstest.MapFS{"dist/funcfiftlib.js": {Data: []byte(smallGlue)}}
	_, err := Load(root)
	require.ErrorIs(t, err, fs.ErrNotExist)

	for script, want := range map[string]string{
		"module.exports = {}":                          "no wasm in its script",
		"module.exports = { FuncFiftLibWasm: 'AGFzbQ":  "no wasm in its script",
		"module.exports = { FuncFiftLibWasm: 'AGF?' }": "decode the wasm",
	} {
		root["dist/funcfiftlib.wasm.js"] = &fstest.MapFile{Data: []byte(script)}
		_, err = Load(root)
		require.ErrorContains(t, err, want)
	}

	root["dist/funcfiftlib.wasm.js"] = &fstest.MapFile{Data: []byte("module.exports = { FuncFiftLibWasm: 'AGFzbQ==' };")}
	pkg, err := Load(root)
	require.NoError(t, err)
	require.Equal(t, Package{Wasm: []byte("\x00asm"), Glue: []byte(smallGlue)}, pkg)
}

func TestNew_RefusesWhatIsNoCompiler(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Package{Wasm: []byte("\x00asm"), Glue: []byte(smallGlue)})
	require.ErrorContains(t, err, "prepare the FunC compiler")
	_, err = New(t.Context(), Package{Wasm: []byte("\x00asm\x01\x00\x00\x00"), Glue: nil})
	require.ErrorContains(t, err, "read the glue")
}

func TestCompile_FailsOnAModuleWithoutItsExports(t *testing.T) {
	t.Parallel()
	c, err := New(t.Context(), Package{Wasm: []byte("\x00asm\x01\x00\x00\x00"), Glue: []byte(smallGlue)})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(t.Context())) }()
	_, err = c.Compile(t.Context(), fstest.MapFS{}, "main.fc")
	require.ErrorContains(t, err, "exports no memory")
}

func FuzzParseGlue(f *testing.F) {
	f.Add([]byte(smallGlue))
	f.Add([]byte(`asmLibraryArg={"a":`))
	f.Fuzz(func(t *testing.T, js []byte) {
		g, err := parseGlue(js)
		if err == nil {
			require.NotEmpty(t, g.memory)
			require.NotEmpty(t, g.table)
		}
	})
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte("FuncFiftLibWasm: 'AGFzbQ=='"))
	f.Add([]byte("FuncFiftLibWasm: 'AGF"))
	f.Fuzz(func(t *testing.T, script []byte) {
		wasm, err := unwrap(script)
		if err != nil {
			require.Nil(t, wasm)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(`{"status":"ok","codeBoc":"te6ccgEBAQEAAgAAAA==","codeHashHex":"00"}`, "")
	f.Add(`{"status":"error","message":"main.fc:1:1: error"}`, "main.fc")
	f.Fuzz(func(t *testing.T, raw, printed string) {
		a, err := parseAnswer(raw, printed)
		if err != nil {
			return
		}
		if got, err := a.result(nil); err == nil {
			require.NotNil(t, got.Code)
		}
	})
}
