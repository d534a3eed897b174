package funcc

import (
	"context"
	"strings"

	"github.com/tetratelabs/wazero/api"
)

// startHost offers every import of the compiler, bound to in.
func (c *Compiler) startHost(ctx context.Context, in *instance) (api.Module, error) {
	builder := c.runtime.NewHostModuleBuilder(hostModule)
	for _, def := range c.module.ImportedFunctions() {
		_, letter, _ := def.Import()
		name := c.glue.imports[letter]
		params, results := def.ParamTypes(), def.ResultTypes()
		var f api.GoFunc
		if strings.HasPrefix(name, "invoke_") {
			f = func(_ context.Context, stack []uint64) { in.invoke(name, stack) }
		} else {
			h := handlerOf(name)
			f = func(_ context.Context, stack []uint64) {
				if ret := h(in, stack[:len(params)]); len(results) > 0 {
					stack[0] = ret
				}
			}
		}
		builder.NewFunctionBuilder().WithGoFunction(f, params, results).Export(letter)
	}
	compiled, err := builder.Compile(ctx)
	if err != nil {
		return nil, err
	}
	return c.runtime.InstantiateModule(ctx, compiled, anonymous())
}

// startCallback offers the function by which the compiler reads sources: kind and
// name in, a string out, or a message about why not.
func (c *Compiler) startCallback(ctx context.Context, in *instance) (api.Module, error) {
	params := []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	read := func(_ context.Context, stack []uint64) {
		into := uint32(stack[2])
		answer, err := in.sources.answer(in.cstring(uint32(stack[0])), in.cstring(uint32(stack[1])))
		if err != nil {
			answer, into = err.Error(), uint32(stack[3])
		}
		ptr, err := in.give(answer)
		if err != nil {
			panic(err)
		}
		in.setU32(into, ptr)
	}
	builder := c.runtime.NewHostModuleBuilder(hostModule)
	builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(read), params, nil).Export(callbackName)
	compiled, err := builder.Compile(ctx)
	if err != nil {
		return nil, err
	}
	return c.runtime.InstantiateModule(ctx, compiled, anonymous())
}
