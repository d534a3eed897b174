package localnet

import (
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/tuple"
	"github.com/xssnick/tonutils-go/tvm/vm"
)

const (
	// methodGas is what a get-method may use.
	methodGas = 1_000_000
	// exitNoContract tells that there is nothing to run.
	exitNoContract = -256
)

// Bits of the mode of runSmcMethod: what to put into the answer.
const (
	methodProof      = 1 << 0
	methodStateProof = 1 << 1
	methodResult     = 1 << 2
)

func (l lookout) runMethod(q ton.RunSmcMethod) (tl.Serializable, error) {
	f, err := l.findAccount(q.ID, q.Account)
	if err != nil {
		return nil, err
	}
	answer := ton.RunMethodResult{Mode: q.Mode & (methodProof | methodStateProof | methodResult), ID: f.asked.id, ShardBlock: f.holder.id, ExitCode: exitNoContract}
	if q.Mode&methodProof != 0 {
		answer.ShardProof, answer.Proof = f.shardProof, f.proof
	}
	if f.account == nil {
		return answer, nil
	}
	stack, err := parseStack(q.Params)
	if err != nil {
		return nil, badQuery("parameters of the method: %s", err)
	}
	if err = stack.PushInt(new(big.Int).SetUint64(q.MethodID)); err != nil {
		return nil, err
	}
	root := f.account.Account.WithoutTrace()
	c7, err := l.methodContext(f, root)
	if err != nil || c7 == nil {
		return answer, err
	}
	config := tvm.ExecutionConfig{Config: l.head.rules.config, AccountRoot: root}
	if libraries := l.head.rules.libraries; libraries != nil {
		config.Libraries = []*cell.Cell{libraries}
	}
	result, err := tvm.NewTVM().ExecuteGetMethod(nil, nil, *c7, vm.GasWithLimit(methodGas), stack, config)
	if err != nil {
		return nil, badQuery("run the method: %s", err)
	}
	answer.ExitCode = int32(result.ExitCode)
	if q.Mode&methodStateProof != 0 {
		answer.StateProof = result.Proof
	}
	if q.Mode&methodResult != 0 {
		answer.Result, err = packStack(result.Stack)
	}
	return answer, err
}

// parseStack reads the parameters of a method; no bytes are an empty stack.
func parseStack(boc []byte) (*vm.Stack, error) {
	stack := vm.NewStack()
	if len(boc) == 0 {
		return stack, nil
	}
	c, err := cell.FromBOC(boc)
	if err != nil {
		return nil, err
	}
	var params tlb.Stack
	if err = tlb.Parse(&params, c); err != nil {
		return nil, err
	}
	values := make([]any, params.Depth())
	for i := len(values) - 1; i >= 0; i-- {
		if values[i], err = params.Pop(); err != nil {
			return nil, err
		}
	}
	for _, value := range values {
		if err = stack.PushHostValue(value); err != nil {
			return nil, err
		}
	}
	return stack, nil
}

func packStack(stack *vm.Stack) (*cell.Cell, error) {
	out, err := tlb.NewStackFromVM(stack)
	if err != nil {
		return nil, fmt.Errorf("pack the result: %w", err)
	}
	return out.ToCell()
}

// methodContext is the c7 of a get-method: the block's time and config, the
// account's balance and code. It is nil where there is no contract.
func (l lookout) methodContext(f found, root *cell.Cell) (*tuple.Tuple, error) {
	var account tlb.AccountState
	if err := tlb.Parse(&account, root); err != nil {
		return nil, err
	}
	if account.Status != tlb.AccountStatusActive || account.StateInit == nil {
		return nil, nil
	}
	past := l.past(l.head)
	block, err := l.head.rules.context(f.holder.utime, f.holder.endLT, nil, past)
	if err != nil {
		return nil, err
	}
	var config any
	if unpacked, ok := block.UnpackedConfig(); ok {
		config = unpacked
	}
	due := new(big.Int)
	if account.StorageInfo.DuePayment != nil {
		due = account.StorageInfo.DuePayment.Nano()
	}
	zero := func() *big.Int { return new(big.Int) }
	nobody := cell.BeginCell().MustStoreUInt(0, 2).ToSlice()
	message := tuple.NewTupleValue(zero(), zero(), nobody, zero(), zero(), zero(), zero(), zero(), nil, nil)
	lt := new(big.Int).SetUint64(f.holder.endLT)
	c7 := tuple.NewTupleValue(tuple.NewTupleValue(
		big.NewInt(0x076ef1ea), zero(), zero(), // magic, actions, messages sent
		big.NewInt(int64(f.holder.utime)), lt, new(big.Int).Set(lt), zero(), // time, block lt, lt, random seed
		tuple.NewTupleValue(account.Balance.Nano(), nil), cell.BeginCell().MustStoreAddr(account.Address).ToSlice(), l.head.rules.config.Root(),
		account.StateInit.Code, tuple.NewTupleValue(zero(), nil), zero(), past, // code, incoming value, storage fees, previous blocks
		config, due, nil, message))
	return &c7, nil
}
