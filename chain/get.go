package chain

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
)

// getGas is what liteservers allow a get-method.
const getGas = 1_000_000

// ExitError is a get-method that ended with a code other than 0 or 1.
type ExitError struct {
	Method string
	Code   int64
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s ended with exit code %d", e.Method, e.Code)
}

// Get runs a get-method at the newest masterchain block, here rather than on the
// liteserver, on the proven account and configuration. Arguments are integers,
// *big.Int, cells and slices; results come in the order of the contract's
// source, integers as *big.Int. An account without code is NotFound, a failing
// method an *ExitError.
func (c *Client) Get(ctx context.Context, a cocoon.Account, method string, args ...any) ([]any, error) {
	head, err := c.Head(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.AccountAt(ctx, head, a)
	if err != nil {
		return nil, err
	}
	if found.State != Active {
		return nil, cocoon.NotFound.Errorf("account %s holds no contract: it is %s", a, found.State)
	}
	cfg, block, err := c.moment(ctx, head)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", method, err)
	}
	return runGet(cfg, block, found, method, args)
}

func runGet(cfg *Config, block *tvm.BlockContext, a Account, method string, args []any) ([]any, error) {
	stack := vm.NewStack()
	for i, arg := range append(args[:len(args):len(args)], tlb.MethodNameHash(method)) {
		if err := push(stack, arg); err != nil {
			return nil, cocoon.Invalid.Errorf("argument %d of %s: %w", i, method, err)
		}
	}
	res, err := tvm.NewTVM().ExecuteGetMethod(a.Code, a.Data, registers(cfg, block, a), vm.GasWithLimit(getGas), stack, tvm.ExecutionConfig{Config: cfg.prepared})
	if err != nil {
		return nil, cocoon.Invalid.Errorf("run %s of %s: %w", method, a.ID, err)
	}
	if res.ExitCode != 0 && res.ExitCode != 1 {
		return nil, &ExitError{method, res.ExitCode}
	}
	values := make([]any, res.Stack.Len())
	for i := range values { // the first value lies deepest
		if values[len(values)-1-i], err = res.Stack.Get(i); err != nil {
			return nil, cocoon.Invalid.Errorf("result of %s: %w", method, err)
		}
	}
	return values, nil
}

func push(stack *vm.Stack, arg any) error {
	switch v := arg.(type) {
	case int:
		return stack.PushInt(big.NewInt(int64(v)))
	case int64:
		return stack.PushInt(big.NewInt(v))
	case uint32:
		return stack.PushInt(big.NewInt(int64(v)))
	case uint64:
		return stack.PushInt(new(big.Int).SetUint64(v))
	case cocoon.Account:
		return stack.PushSlice(cell.BeginCell().MustStoreAddr(Address(v)).ToSlice())
	case nil, *big.Int, *cell.Cell, *cell.Slice:
		return stack.PushAny(v)
	}
	return fmt.Errorf("%T is neither an integer nor a cell", arg)
}

// registers is c7 as a get-method sees it: the block, the account and the
// configuration; nothing came in with a message.
func registers(cfg *Config, block *tvm.BlockContext, a Account) tuple.Tuple {
	none := big.NewInt(0)
	unpacked, _ := block.UnpackedConfig()
	lt := new(big.Int).SetUint64(a.LastLT)
	self := cell.BeginCell().MustStoreAddr(Address(a.ID)).ToSlice()
	return tuple.NewTupleValue(tuple.NewTupleValue(
		big.NewInt(0x076ef1ea), none, none, big.NewInt(int64(block.Now())), big.NewInt(block.BlockLT()), lt, none,
		tuple.NewTupleValue(a.Balance.Big(), nil), self, cfg.prepared.Root(), a.Code,
		tuple.NewTupleValue(none, nil), none, nil, unpacked, none, nil, nil))
}
