package sandboxtests

import (
	"context"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/tuple"
	"github.com/xssnick/tonutils-go/tvm/vm"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// Get runs a get-method, so that a world is a wrappers.Getter. Arguments are
// integers, cells or slices.
func (w *world) Get(_ context.Context, a cocoon.Account, method string, args ...any) ([]any, error) {
	state := w.account(a).State()
	if !w.holdsCode(a) {
		return nil, cocoon.NotFound.Errorf("%s holds no contract", a)
	}
	block, err := w.config.NewBlockContext(tvm.BlockOptions{Now: w.now, BlockLT: int64(w.lt), GlobalID: globalID})
	if err != nil {
		return nil, err
	}
	unpacked, _ := block.UnpackedConfig()
	none := big.NewInt(0)
	c7 := tuple.NewTupleValue(tuple.NewTupleValue(
		big.NewInt(0x076ef1ea), none, none, big.NewInt(int64(w.now)), big.NewInt(int64(w.lt)), big.NewInt(int64(w.lt)), none,
		tuple.NewTupleValue(state.Balance.Nano(), nil), cell.BeginCell().MustStoreAddr(chain.Address(a)).ToSlice(), w.config.Root(),
		state.StateInit.Code, tuple.NewTupleValue(none, nil), none, nil, unpacked, none, nil, nil))
	stack := vm.NewStack()
	for _, arg := range args {
		if n, ok := arg.(int); ok {
			arg = big.NewInt(int64(n))
		}
		if err = stack.PushAny(arg); err != nil {
			return nil, err
		}
	}
	if err = stack.PushInt(new(big.Int).SetUint64(tlb.MethodNameHash(method))); err != nil {
		return nil, err
	}
	res, err := w.machine.ExecuteGetMethod(state.StateInit.Code, state.StateInit.Data, c7, vm.GasWithLimit(1_000_000), stack,
		tvm.ExecutionConfig{Config: w.config})
	if err != nil {
		return nil, err
	}
	if res.ExitCode > 1 {
		return nil, fmt.Errorf("%s: exit code %d", method, res.ExitCode)
	}
	values := make([]any, res.Stack.Len())
	for i := range values { // the first value lies deepest
		if values[len(values)-1-i], err = res.Stack.Get(i); err != nil {
			return nil, err
		}
	}
	return values, nil
}
