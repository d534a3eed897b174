package funcc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// instance is one run of the compiler: its memory, its files, and the C++
// exceptions in flight. It is used by one goroutine and thrown away.
type instance struct {
	ctx     context.Context
	glue    glue
	main    api.Module
	shim    api.Module
	mem     api.Memory
	open    []api.Module // to close, latest last
	idle    map[string][]api.Function
	sources *sources
	files   files
	thrown  exceptions
	printed bytes.Buffer // remarks on the sources
	logged  bytes.Buffer // talk about the compiler's insides
}

func (c *Compiler) instantiate(ctx context.Context, src *sources) (_ *instance, err error) {
	in := &instance{ctx: ctx, glue: c.glue, sources: src, files: newFiles(), idle: map[string][]api.Function{}}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	host, err := in.start(c.startHost(ctx, in))
	if err != nil {
		return nil, err
	}
	callback, err := in.start(c.startCallback(ctx, in))
	if err != nil {
		return nil, err
	}
	// Modules without a name let several instances live in one runtime; this
	// is how they find each other.
	ctx = experimental.WithImportResolver(ctx, func(name string) api.Module {
		switch name {
		case mainModule:
			return in.main
		case callbackModule:
			return callback
		}
		return host
	})
	if in.main, err = in.start(c.runtime.InstantiateModule(ctx, c.module, anonymous())); err != nil {
		return nil, err
	}
	in.mem = in.main.ExportedMemory(c.glue.memory)
	if in.mem == nil {
		return nil, errors.New("it exports no memory")
	}
	if in.shim, err = in.start(c.runtime.InstantiateModule(ctx, c.shim, anonymous())); err != nil {
		return nil, err
	}
	_, err = in.try("___wasm_call_ctors")
	return in, err
}

func anonymous() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions()
}

func (in *instance) start(m api.Module, err error) (api.Module, error) {
	if err == nil {
		in.open = append(in.open, m)
	}
	return m, err
}

// close has nothing to report: an instance owns memory only.
func (in *instance) close() {
	for i := len(in.open) - 1; i >= 0; i-- {
		_ = in.open[i].Close(in.ctx)
	}
}

// compile runs the compiler over the entry files.
func (in *instance) compile(entries []string) (*answer, error) {
	config, err := json.Marshal(map[string]any{"sources": entries, "optLevel": optLevel})
	if err != nil {
		return nil, err
	}
	slot, err := in.shim.ExportedFunction(callbackSlot).Call(in.ctx)
	if err != nil {
		return nil, fmt.Errorf("hand the source reader to the FunC compiler: %w", err)
	}
	ptr, err := in.give(string(config))
	if err != nil {
		return nil, err
	}
	ret, err := in.try("_func_compile", uint64(ptr), slot[0])
	if err != nil {
		return nil, in.verdict(err)
	}
	return parseAnswer(in.cstring(uint32(ret)), in.printed.String())
}

// verdict explains a compiler that never came to an answer. Giving up is its
// way to refuse some sources; a crash carries pages of stack, of which only the
// first line says something.
func (in *instance) verdict(err error) error {
	if ctxErr := in.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	if abort, isAbort := errors.AsType[aborted](err); isAbort {
		reason = abort.Error()
	}
	return refusal(in.printed.String(), in.logged.String()+"the FunC compiler failed: "+reason)
}

// function takes an idle handle of an export. A handle is not reentrant, and
// the compiler calls itself through the host all the time; making handles anew
// is what would be slow.
func (in *instance) function(from api.Module, name string) api.Function {
	if idle := in.idle[name]; len(idle) > 0 {
		in.idle[name] = idle[:len(idle)-1]
		return idle[len(idle)-1]
	}
	letter := name
	if from == in.main {
		letter = in.glue.exports[name]
	}
	f := from.ExportedFunction(letter)
	if f == nil {
		panic(fmt.Errorf("the compiler has no export %s", name))
	}
	return f
}

// run calls an export with its parameters in stack, where it leaves its result.
// A handle that failed is dropped.
func (in *instance) run(from api.Module, name string, stack []uint64) error {
	f := in.function(from, name)
	if err := f.CallWithStack(in.ctx, stack); err != nil {
		return err
	}
	in.idle[name] = append(in.idle[name], f)
	return nil
}

// try calls an export of the compiler from outside of it.
func (in *instance) try(name string, args ...uint64) (result uint64, err error) {
	if in.glue.exports[name] == "" {
		return 0, fmt.Errorf("the compiler has no export %s", name)
	}
	stack := make([]uint64, len(args)+1)
	copy(stack, args)
	err = in.run(in.main, name, stack)
	return stack[0], err
}

// call is try for host functions, where an error travels as a panic to the
// nearest wazero call, which returns it.
func (in *instance) call(name string, args ...uint64) uint64 {
	result, err := in.try(name, args...)
	if err != nil {
		panic(err)
	}
	return result
}
