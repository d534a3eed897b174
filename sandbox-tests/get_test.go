package sandboxtests

import (
	"context"
	"fmt"
	"math/big"

	"github.com/stretchr/testify/require"
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
	return w.execute(a, state.StateInit.Code, state.StateInit.Data, state.Balance.Nano(), append(args, new(big.Int).SetUint64(tlb.MethodNameHash(method)))...)
}

// Instructions that price things in the basechain, at the live config.
const (
	getGasFee     = 0xf836 // of gas
	getStorageFee = 0xf837 // of cells, bits and seconds
	getForwardFee = 0xf838 // of cells and bits
)

// price is what an instruction leaves of args, of which the last is the workchain's flag.
func (w *world) price(instruction uint64, args ...any) cocoon.Nano {
	w.t.Helper()
	code := cell.BeginCell().MustStoreUInt(instruction, 16).EndCell()
	values, err := w.execute(cocoon.Account{}, code, cell.BeginCell().EndCell(), new(big.Int), args...)
	require.NoError(w.t, err)
	fee, err := cocoon.NanoFromBig(values[0].(*big.Int))
	require.NoError(w.t, err)
	return fee
}

// gasFee is what gas costs.
func (w *world) gasFee(gas int64) cocoon.Nano { w.t.Helper(); return w.price(getGasFee, int(gas), 0) }

// fiveYears is what as many of rent cost, which a birth brings.
func (w *world) fiveYears(cells, bits int64) cocoon.Nano {
	w.t.Helper()
	return w.price(getStorageFee, int(cells), int(bits), 5*365*86400, 0)
}

// execute runs code on a stack of args and returns what it leaves there.
func (w *world) execute(a cocoon.Account, code, data *cell.Cell, balance *big.Int, args ...any) ([]any, error) {
	block, err := w.config.NewBlockContext(tvm.BlockOptions{Now: w.now, BlockLT: int64(w.lt), GlobalID: globalID})
	if err != nil {
		return nil, err
	}
	unpacked, _ := block.UnpackedConfig()
	none := big.NewInt(0)
	c7 := tuple.NewTupleValue(tuple.NewTupleValue(
		big.NewInt(0x076ef1ea), none, none, big.NewInt(int64(w.now)), big.NewInt(int64(w.lt)), big.NewInt(int64(w.lt)), none,
		tuple.NewTupleValue(balance, nil), cell.BeginCell().MustStoreAddr(chain.Address(a)).ToSlice(), w.config.Root(),
		code, tuple.NewTupleValue(none, nil), none, nil, unpacked, none, nil, nil))
	stack := vm.NewStack()
	for _, arg := range args {
		if n, ok := arg.(int); ok {
			arg = big.NewInt(int64(n))
		}
		if err = stack.PushAny(arg); err != nil {
			return nil, err
		}
	}
	res, err := w.machine.ExecuteGetMethod(code, data, c7, vm.GasWithLimit(1_000_000), stack,
		tvm.ExecutionConfig{Config: w.config})
	if err != nil {
		return nil, err
	}
	if res.ExitCode > 1 {
		return nil, fmt.Errorf("exit code %d", res.ExitCode)
	}
	values := make([]any, res.Stack.Len())
	for i := range values { // the first value lies deepest
		if values[len(values)-1-i], err = res.Stack.Get(i); err != nil {
			return nil, err
		}
	}
	return values, nil
}
