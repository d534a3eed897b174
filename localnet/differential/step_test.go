package differential

import (
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/vm"
)

// step is a message to an account, or the tick or tock of one, at some moment.
type step struct {
	at      *address.Address
	account lane
	message *cell.Cell // nil: tick-tock
	tock    bool
	now     uint32
	lt      uint64
	seed    [32]byte // of the block
}

// lane is an account as localnet carries it from transaction to transaction.
type lane struct {
	account *tvm.PreparedAccount
	stat    *cell.Cell
}

// outcome is what an executor made of a step.
type outcome struct {
	tx, account *cell.Cell // nil where there is no transaction
	actions     *cell.Cell // that the contract asked for; only ours
	refusal     string     // then why
	exit        *int32     // and with what, where the contract did not accept
}

func (o outcome) String() string {
	if o.tx != nil {
		return fmt.Sprintf("transaction %x, account %x", o.tx.Hash(), o.account.Hash())
	}
	if o.exit != nil {
		return fmt.Sprintf("not accepted, exit %d", *o.exit)
	}
	return "refused: " + o.refusal
}

// ltAlign is what the logical times of blocks are multiples of.
const ltAlign = 1_000_000

// run executes the step as localnet does: a parsed account goes in, with the
// storage statistics of its last transaction, and one comes out.
func (r *rules) run(s *step) (outcome, *tvm.TransactionExecutionResult) {
	result, err := r.execute(s, nil)
	if err != nil {
		return outcome{refusal: err.Error()}, nil
	}
	if result.TransactionCell == nil {
		return outcome{exit: new(int32(result.ExitCode)), refusal: "not accepted"}, nil
	}
	return outcome{tx: result.TransactionCell, account: result.NextAccount.ShardAccountCell(), actions: result.Actions}, result
}

func (r *rules) execute(s *step, trace vm.TraceHook) (result *tvm.TransactionExecutionResult, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	block, err := r.prepared.NewBlockContext(tvm.BlockOptions{Now: s.now, BlockLT: int64(s.lt - s.lt%ltAlign), RandSeed: s.seed[:],
		GlobalID: globalID, Libraries: r.blockLibraries()})
	if err != nil {
		return nil, err
	}
	options := tvm.TransactionOptions{LogicalTime: int64(s.lt), AccountStorageStat: s.account.stat, TraceHook: trace}
	if s.message == nil {
		return r.machine.EmulateTickTockTransaction(block, s.account.account, s.tock, options)
	}
	message, err := tvm.PrepareMessage(s.message)
	if err != nil {
		return nil, err
	}
	return r.machine.EmulateTransaction(block, s.account.account, message, options)
}

// fresh is the same step on cells that no machine has touched.
func (s *step) fresh() (*step, error) {
	again := *s
	account, err := cell.FromBOC(s.account.account.ShardAccountCell().ToBOC())
	if err != nil {
		return nil, err
	}
	if again.account, err = open(account, s.at); err != nil {
		return nil, err
	}
	again.account.stat = s.account.stat
	if s.message != nil {
		again.message, err = cell.FromBOC(s.message.ToBOC())
	}
	return &again, err
}

// opcodes are the instructions that the step runs, none where it runs nothing.
func (r *rules) opcodes(s *step) (names []string) {
	_, err := r.execute(s, func(t vm.TraceStep) {
		if t.Opcode != "" {
			names = append(names, t.Opcode)
		}
	})
	if err != nil {
		return nil
	}
	return names
}

// open reads a ShardAccount.
func open(root *cell.Cell, at *address.Address) (lane, error) {
	var shard tlb.ShardAccount
	if err := tlb.Parse(&shard, root); err != nil {
		return lane{}, fmt.Errorf("parse the account %s: %w", at, err)
	}
	account, err := tvm.PrepareAccount(&shard, at)
	return lane{account: account}, err
}
