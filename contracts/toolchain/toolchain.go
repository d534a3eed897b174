package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/internal/funcc"
)

const (
	funcPackage = "@ton-community/func-js-bin"
	tactPackage = "@tact-lang/compiler"
	// Two releases of the compiler call themselves alike, so it is the wasm
	// that is pinned, on top of the package.
	funcWasmSHA256 = "3ee5b137da4abf9badcbac26774d26005d41469e2f2a63afb5b85e576fe1e9a6"
)

// toolchain compiles the contracts of one folder.
type toolchain struct {
	dir     string // contracts/
	flawed  string // the flawed designs; "" where there are none
	modules string // where npm put the compilers
	lock    lockfile
	funcc   *funcc.Compiler
	log     io.Writer // several goroutines write to it
}

// source is a contract to compile.
type source struct {
	name, lang, file string
	into             string // the folder of its artefact
	patch            string // what makes a flawed design of file, "" for ours
}

// open prepares the compilers locked in npmDir, fetching them if need be.
func open(ctx context.Context, dir, npmDir string, log io.Writer) (*toolchain, error) {
	lock, err := readLock(filepath.Join(npmDir, lockName))
	if err != nil {
		return nil, err
	}
	if err := lock.install(ctx, npmDir, log); err != nil {
		return nil, err
	}
	// Tact is started from another folder.
	installed, err := filepath.Abs(filepath.Join(npmDir, modules))
	if err != nil {
		return nil, err
	}
	t := &toolchain{dir: dir, modules: installed, lock: lock, log: log}
	pkg, err := funcc.Load(os.DirFS(filepath.Join(t.modules, filepath.FromSlash(funcPackage))))
	if err != nil {
		return nil, err
	}
	if got := digest(pkg.Wasm); got != funcWasmSHA256 {
		return nil, fmt.Errorf("the FunC compiler in %s has SHA-256 %s, not %s", funcPackage, got, funcWasmSHA256)
	}
	t.funcc, err = funcc.New(ctx, pkg)
	return t, err
}

func (t *toolchain) close(ctx context.Context) { _ = t.funcc.Close(ctx) }

// say reports progress; nothing depends on anyone hearing it.
func say(log io.Writer, line string) { _, _ = fmt.Fprintln(log, line) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sources lists what there is to compile: our contracts, then the flawed designs.
func (t *toolchain) sources() ([]source, error) {
	ours, err := t.contracts()
	if err != nil {
		return nil, err
	}
	flawed, err := t.flaws()
	return append(ours, flawed...), err
}

// contracts lists ours: the FunC and Tact files at the top of the folder. What
// they share lies deeper.
func (t *toolchain) contracts() ([]source, error) {
	var list []source
	for lang, ext := range map[string]string{"func": ".fc", "tact": ".tact"} {
		files, err := filepath.Glob(filepath.Join(t.dir, "*"+ext))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			base := filepath.Base(f)
			list = append(list, source{name: strings.TrimSuffix(base, ext), lang: lang, file: base, into: t.buildDir()})
		}
	}
	slices.SortFunc(list, func(a, b source) int { return strings.Compare(a.file, b.file) })
	for i := 1; i < len(list); i++ {
		if list[i].name == list[i-1].name {
			return nil, fmt.Errorf("%s and %s would be one contract", list[i-1].file, list[i].file)
		}
	}
	return list, nil
}

// choose keeps the named sources; no names means all.
func choose(list []source, names []string) ([]source, error) {
	if len(names) == 0 {
		return list, nil
	}
	var chosen []source
	for _, name := range names {
		i := slices.IndexFunc(list, func(s source) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no contract %q", name)
		}
		chosen = append(chosen, list[i])
	}
	return chosen, nil
}

// built is a source and what it was compiled to.
type built struct {
	source
	contracts.Artifact
}

// compile compiles all of list, a few at a time, or reports every contract that
// does not.
func (t *toolchain) compile(ctx context.Context, list []source) ([]built, error) {
	done, failed := make([]built, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, s := range list {
		slots <- struct{}{}
		say(t.log, "compiling "+s.title())
		all.Go(func() {
			defer func() { <-slots }()
			a, err := t.compileOne(ctx, s)
			if err != nil {
				failed[i] = fmt.Errorf("compile %s:\n%w", s.title(), err)
			}
			done[i] = built{s, a}
		})
	}
	all.Wait()
	return done, errors.Join(failed...)
}

func (t *toolchain) compileOne(ctx context.Context, s source) (contracts.Artifact, error) {
	switch {
	case s.patch != "":
		return t.compileFlawed(ctx, s)
	case s.lang == "tact":
		return t.compileTact(ctx, s)
	}
	return t.compileFunC(ctx, s)
}

func (t *toolchain) compileFunC(ctx context.Context, s source) (contracts.Artifact, error) {
	by, err := t.lock.compiler(funcPackage)
	if err != nil {
		return contracts.Artifact{}, err
	}
	root, err := os.OpenRoot(t.dir) // a link in it must not lead out of it
	if err != nil {
		return contracts.Artifact{}, err
	}
	defer func() { _ = root.Close() }()
	out, err := t.funcc.Compile(ctx, root.FS(), s.file)
	if err != nil {
		return contracts.Artifact{}, err
	}
	if out.Warnings != "" {
		say(t.log, out.Warnings)
	}
	return contracts.NewArtifact(s.name, s.lang, by, digests(out.Sources), out.BoC)
}

func digests(files map[string][]byte) map[string]string {
	sums := map[string]string{}
	for name, text := range files {
		sums[name] = digest(text)
	}
	return sums
}
