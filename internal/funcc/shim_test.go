package funcc

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func TestShim_IsAValidModule(t *testing.T) {
	t.Parallel()
	runtime := wazero.NewRuntime(t.Context())
	defer func() { require.NoError(t, runtime.Close(t.Context())) }()
	i32, f64 := api.ValueTypeI32, api.ValueTypeF64
	many := make([]api.ValueType, 200) // long enough for lengths of two bytes
	for i := range many {
		many[i] = i32
	}
	compiled, err := runtime.CompileModule(t.Context(), shim("table", []signature{
		{"invoke_v", []api.ValueType{i32}, nil},
		{"invoke_di", []api.ValueType{i32, i32}, []api.ValueType{f64}},
		{"invoke_many", many, []api.ValueType{i32}},
	}))
	require.NoError(t, err)
	exports := compiled.ExportedFunctions()
	require.Len(t, exports, 4)
	require.Equal(t, []api.ValueType{i32, i32}, exports["invoke_di"].ParamTypes())
	require.Equal(t, []api.ValueType{f64}, exports["invoke_di"].ResultTypes())
	require.Equal(t, []api.ValueType{i32}, exports[callbackSlot].ResultTypes())
}
