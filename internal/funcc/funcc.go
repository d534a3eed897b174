// Package funcc runs the FunC compiler inside the Go process: the WebAssembly
// build that npm distributes, driven through wazero in place of a JavaScript
// engine. Time and chance stand still for it, so equal sources give equal code.
package funcc

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// optLevel is what the official drivers ask for; another one gives other code.
const optLevel = 2

// Compiler is a prepared FunC compiler. It may be used by several goroutines:
// every compilation runs in an instance of its own.
type Compiler struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	module  wazero.CompiledModule
	shim    wazero.CompiledModule // made once like module: instances that each made and dropped their own disturbed one another in the cache
	glue    glue
}

// Result is the outcome of one compilation.
type Result struct {
	Code     *cell.Cell        // the contract's code
	BoC      []byte            // Code as the compiler serialised it
	Fift     string            // the assembly it was made from
	Warnings string            // what the compiler said about sources it accepted; may be empty
	Sources  map[string][]byte // every file that was read, by its path in the file system given
}

// SourceError is the compiler's refusal of the sources.
type SourceError struct {
	Message string // the compiler's own words, with file, line and column where it knows them
}

func (e *SourceError) Error() string { return e.Message }

// New prepares the compiler found in pkg. Preparing takes seconds the first
// time; the machine code is kept in the user's cache directory, where there is one.
func New(ctx context.Context, pkg Package) (*Compiler, error) {
	glue, err := parseGlue(pkg.Glue)
	if err != nil {
		return nil, fmt.Errorf("read the glue of the FunC compiler: %w", err)
	}
	c := &Compiler{glue: glue, cache: openCache()}
	c.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCompilationCache(c.cache).
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
	if c.module, err = c.runtime.CompileModule(ctx, pkg.Wasm); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the FunC compiler: %w", err), c.Close(ctx))
	}
	if c.shim, err = c.runtime.CompileModule(ctx, shim(c.glue.table, invokes(c.module, c.glue))); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the FunC compiler: %w", err), c.Close(ctx))
	}
	return c, nil
}

// openCache keeps machine code between runs; without a writable cache
// directory it only lasts as long as the Compiler.
func openCache() wazero.CompilationCache {
	if dir, err := os.UserCacheDir(); err == nil {
		if cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "funcc")); err == nil {
			return cache
		}
	}
	return wazero.NewCompilationCache()
}

// Close releases the machine code. No compilation may be running.
func (c *Compiler) Close(ctx context.Context) error {
	return errors.Join(c.runtime.Close(ctx), c.cache.Close(ctx))
}

// Compile compiles the entry files of fsys, in order, into one code cell.
// An #include is looked up relative to the file it stands in and never outside
// fsys. Sources that do not compile give a *SourceError.
func (c *Compiler) Compile(ctx context.Context, fsys fs.FS, entries ...string) (*Result, error) {
	if len(entries) == 0 {
		return nil, errors.New("compile FunC: no source file given")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	src := newSources(fsys)
	in, err := c.instantiate(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("start the FunC compiler: %w", err)
	}
	defer in.close()
	answer, err := in.compile(entries)
	if refused, ok := errors.AsType[*SourceError](err); ok {
		refused.Message += src.hint(refused.Message)
	}
	if err != nil {
		return nil, err
	}
	return answer.result(src.read)
}

// answer is what the compiler returns, under its own names.
type answer struct {
	Status      string `json:"status"`
	Message     string `json:"message"`
	FiftCode    string `json:"fiftCode"`
	CodeBoc     string `json:"codeBoc"`
	CodeHashHex string `json:"codeHashHex"`
	Warnings    string `json:"warnings"`
}

// parseAnswer reads raw; printed is what the compiler said on the way there.
func parseAnswer(raw, printed string) (*answer, error) {
	var a answer
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		return nil, fmt.Errorf("read the FunC compiler's answer: %w", err)
	}
	if a.Status != "ok" {
		return nil, refusal(printed, a.Message)
	}
	a.Warnings = strings.TrimSpace(printed + "\n" + a.Warnings)
	return &a, nil
}

// refusal joins the two ways the compiler complains: it prints what it found in
// the sources, with the place, and then returns a summary.
func refusal(printed, summary string) error {
	printed = strings.ReplaceAll(printed, "\x00", "") // it prints the end of a line's buffer, too
	return &SourceError{Message: strings.TrimSpace(strings.TrimSpace(printed) + "\n" + strings.TrimSpace(summary))}
}

func (a *answer) result(sources map[string][]byte) (*Result, error) {
	boc, err := base64.StdEncoding.DecodeString(a.CodeBoc)
	if err != nil {
		return nil, fmt.Errorf("decode the compiled code: %w", err)
	}
	code, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("parse the compiled code: %w", err)
	}
	if got := hex.EncodeToString(code.Hash()); !strings.EqualFold(got, a.CodeHashHex) {
		return nil, fmt.Errorf("compiled code has hash %s, the compiler says %s", got, strings.ToLower(a.CodeHashHex))
	}
	return &Result{Code: code, BoC: boc, Fift: a.FiftCode, Warnings: a.Warnings, Sources: sources}, nil
}
