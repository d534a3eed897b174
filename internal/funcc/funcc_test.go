package funcc

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// counterHash is what npm's own JavaScript driver makes of testdata/counter.fc.
const counterHash = "b7c5aeb9ea42eb5afba114b5b3e55746e4f1d85faddd2ce37ccb818f144524d7"

// npmPackage is where the contract toolchain unpacks the compiler.
const npmPackage = "../../contracts/toolchain/node_modules/@ton-community/func-js-bin"

var prepared = sync.OnceValues(func() (*Compiler, error) {
	pkg, err := Load(os.DirFS(npmPackage))
	if err != nil {
		return nil, err
	}
	return New(context.Background(), pkg)
})

// compiler is shared by the tests; without npm's package there is none.
func compiler(t *testing.T) *Compiler {
	t.Helper()
	c, err := prepared()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the FunC compiler is not installed: run npm ci in contracts/toolchain")
	}
	require.NoError(t, err)
	return c
}

func TestCompile_GivesTheCodeOfTheOfficialDriver(t *testing.T) {
	t.Parallel()
	got, err := compiler(t).Compile(t.Context(), os.DirFS("testdata"), "counter.fc")
	require.NoError(t, err)
	require.Equal(t, counterHash, hex.EncodeToString(got.Code.Hash()))
	require.Contains(t, got.Fift, "DECLMETHOD counted")
	require.Empty(t, got.Warnings)
}

func TestCompile_NamesEveryFileItRead(t *testing.T) {
	t.Parallel()
	got, err := compiler(t).Compile(t.Context(), os.DirFS("testdata"), "counter.fc")
	require.NoError(t, err)
	require.Equal(t, []string{"counter.fc", "imports/prims.fc", "imports/step.fc"}, slices.Sorted(maps.Keys(got.Sources)))
	onDisk, err := os.ReadFile("testdata/imports/step.fc")
	require.NoError(t, err)
	require.Equal(t, onDisk, got.Sources["imports/step.fc"])
}

func TestCompile_ManyAtOnceDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	bad := fstest.MapFS{"main.fc": {Data: []byte("() main() { nope(); }")}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := c.Compile(t.Context(), os.DirFS("testdata"), "counter.fc")
			if err != nil || hex.EncodeToString(got.Code.Hash()) != counterHash {
				t.Errorf("good sources: %v, %v", got, err)
			}
		})
		wg.Go(func() {
			if _, err := c.Compile(t.Context(), bad, "main.fc"); err == nil {
				t.Error("bad sources compiled")
			}
		})
	}
	wg.Wait()
}

func TestCompile_JoinsSeveralEntryFiles(t *testing.T) {
	t.Parallel()
	src := fstest.MapFS{
		"a.fc": {Data: []byte("int one() inline { return 1; }")},
		"b.fc": {Data: []byte("() recv_internal(slice s) impure { throw(one()); }")},
	}
	joined, err := compiler(t).Compile(t.Context(), src, "a.fc", "b.fc")
	require.NoError(t, err)
	require.Contains(t, joined.Fift, "one PROCINLINE")
	_, err = compiler(t).Compile(t.Context(), src)
	require.ErrorContains(t, err, "no source file")
}

func TestCompile_RefusesWithThePlace(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	const tail = "\n() recv_internal(slice s) impure { }\n"
	for name, tc := range map[string]struct{ source, want string }{
		"syntax":            {"() recv_internal( {", "main.fc:1:19: error: `(` expected instead of `{`"},
		"types":             {"() recv_internal(slice s) impure {\n  int x = s;\n}", "main.fc:2:12: error: cannot assign an expression of type slice"},
		"undefined":         {"() recv_internal(slice s) impure {\n  throw(nope(7));\n}", "main.fc:2:9: error: undefined function `nope`"},
		"constant":          {"() recv_internal(slice s) impure { throw(1 / 0); }", "main.fc:1:44: error: division by zero"},
		"syntax included":   {`#include "sub/syntax.fc";` + tail, "sub/syntax.fc:2:12: error: `;` expected instead of `}`"},
		"types included":    {`#include "sub/types.fc";` + tail, "sub/types.fc:2:14: error: cannot assign an expression of type int"},
		"missing":           {"\n" + `#include "sub/gone.fc";` + tail, "main.fc:2:1: error: sub/gone.fc does not exist"},
		"above the root":    {`#include "../gone.fc";` + tail, "main.fc:1:1: error: ../gone.fc lies outside the source directory"},
		"absolute":          {`#include "/gone.fc";` + tail, "main.fc:1:1: error: /gone.fc lies outside the source directory"},
		"not text":          {`#include "sub/binary.fc";` + tail, "main.fc:1:1: error: sub/binary.fc is not a text file in UTF-8"},
		"a directory":       {`#include "sub";` + tail, "main.fc:1:1: error:"},
		"pragma":            {"#pragma version >=1.2.3;" + tail, "FunC version 0.4.6 does not satisfy condition >=1.2.3"},
		"assembly":          {"() f() impure asm \"NOSUCH\";\n() recv_internal(slice s) impure { f(); }", "NOSUCH:-?\nmain.fc:1: () f() impure asm"},
		"name of Fift":      {tail + "int count() method_id { return 1; }", "DECLMETHOD:not a tuple"},
		"no entry function": {"", "`main` procedure not defined"},
		"bottomless":        {"() main() { throw(" + strings.Repeat("(", 50_000) + "1); }", "the FunC compiler failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := fstest.MapFS{
				"main.fc":       {Data: []byte(tc.source)},
				"sub/syntax.fc": {Data: []byte("int f() {\n  return 1 }")},
				"sub/types.fc":  {Data: []byte("int f() {\n  slice s = 5;\n  return 1;\n}")},
				"sub/binary.fc": {Data: []byte{0xff, 0xfe}},
			}
			_, err := c.Compile(t.Context(), src, "main.fc")
			var refused *SourceError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Message, tc.want)
			require.NotContains(t, refused.Message, "\x00")
			require.NotContains(t, refused.Message, "stack trace")
		})
	}
}

func TestCompile_StopsWithItsContext(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopping := stopOnRead{os.DirFS("testdata"), cancel}
	_, err := c.Compile(ctx, stopping, "counter.fc")
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.Compile(ctx, stopping, "counter.fc")
	require.ErrorIs(t, err, context.Canceled)
}

// stopOnRead cancels the compilation that reads from it.
type stopOnRead struct {
	fs.FS
	stop func()
}

func (s stopOnRead) Open(name string) (fs.File, error) {
	s.stop()
	return s.FS.Open(name)
}
