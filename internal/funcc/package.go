package funcc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
)

// Package is what is needed of npm's @ton-community/func-js-bin: the compiler
// and the script that would load it in JavaScript.
type Package struct {
	Wasm []byte
	Glue []byte // the names behind the minified imports and exports are read out of it
}

// Load reads the compiler out of the root of the unpacked npm package.
func Load(root fs.FS) (Package, error) {
	script, err := fs.ReadFile(root, "dist/funcfiftlib.wasm.js")
	if err != nil {
		return Package{}, fmt.Errorf("load the FunC compiler: %w", err)
	}
	glue, err := fs.ReadFile(root, "dist/funcfiftlib.js")
	if err != nil {
		return Package{}, fmt.Errorf("load the FunC compiler: %w", err)
	}
	wasm, err := unwrap(script)
	if err != nil {
		return Package{}, fmt.Errorf("load the FunC compiler: %w", err)
	}
	return Package{Wasm: wasm, Glue: glue}, nil
}

// unwrap takes the wasm out of the script it is shipped in: one string literal.
func unwrap(script []byte) ([]byte, error) {
	_, rest, found := bytes.Cut(script, []byte("FuncFiftLibWasm: '"))
	text, _, closed := bytes.Cut(rest, []byte("'"))
	if !found || !closed {
		return nil, errors.New("no wasm in its script")
	}
	wasm := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(wasm, text)
	if err != nil {
		return nil, fmt.Errorf("decode the wasm in its script: %w", err)
	}
	return wasm[:n], nil
}

// glue maps between the one-letter names inside the wasm and the names
// Emscripten gave to the same things.
type glue struct {
	imports map[string]string // name by letter
	exports map[string]string // letter by name
	memory  string            // letter
	table   string            // letter
	// thrower is the number of the inline script that throws a message, the
	// compiler's way to give up for good.
	thrower string
}

var (
	gluePair    = regexp.MustCompile(`"([^"]+)":([A-Za-z_$][\w$]*)`)
	glueExport  = regexp.MustCompile(`Module\["(\w+)"\]=function\(\)\{return\(\w+=Module\["\w+"\]=Module\["asm"\]\["([^"]+)"\]\)`)
	glueMemory  = regexp.MustCompile(`wasmMemory=Module\["asm"\]\["([^"]+)"\]`)
	glueTable   = regexp.MustCompile(`wasmTable=Module\["asm"\]\["([^"]+)"\]`)
	glueThrower = regexp.MustCompile(`(\d+):\$0=>\{throw UTF8ToString\(\$0\)\}`)
)

func parseGlue(js []byte) (glue, error) {
	g := glue{imports: map[string]string{}, exports: map[string]string{}}
	_, rest, found := bytes.Cut(js, []byte("asmLibraryArg={"))
	library, _, closed := bytes.Cut(rest, []byte("}"))
	if !found || !closed {
		return glue{}, errors.New("no list of imports in it")
	}
	for _, m := range gluePair.FindAllSubmatch(library, -1) {
		g.imports[string(m[1])] = string(m[2])
	}
	for _, m := range glueExport.FindAllSubmatch(js, -1) {
		g.exports[string(m[1])] = string(m[2])
	}
	for into, re := range map[*string]*regexp.Regexp{&g.memory: glueMemory, &g.table: glueTable, &g.thrower: glueThrower} {
		m := re.FindSubmatch(js)
		if m == nil {
			return glue{}, fmt.Errorf("nothing in it matches %s", re)
		}
		*into = string(m[1])
	}
	return g, nil
}
