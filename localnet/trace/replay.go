package trace

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"github.com/xssnick/tonutils-go/tvm/vm"
)

// Run is what a transaction did, seen by executing it again.
type Run struct {
	Exact    bool         `json:"exact"`                   // the same transaction came out, to the bit
	Earlier  int          `json:"earlier_steps,omitempty"` // instructions that are not among Steps
	Steps    []Step       `json:"steps"`                   // the last of them
	Commands []ActionView `json:"actions"`
}

// Step is one instruction, with the stack before it.
type Step struct {
	N     uint32   `json:"step"`
	Op    string   `json:"op,omitempty"`
	Gas   int64    `json:"gas_left"`        // while some of its own is not taken yet
	Stack []string `json:"stack,omitempty"` // the top of it comes last
	Note  string   `json:"note,omitempty"`  // an exception, or what a debug instruction wrote
}

// Replay executes t once more on the account as it was before, at the moment it
// was executed at, and keeps the last steps of the log; keep below 0 keeps all.
func Replay(block *tvm.BlockContext, before *tvm.PreparedAccount, t *Transaction, keep int) (l *Run, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			l, err = nil, fmt.Errorf("execute transaction %x again: %v", t.Hash, broken)
		}
	}()
	r := recorder{keep: keep}
	res, err := execute(block, before, t, r.note)
	if err != nil {
		return nil, fmt.Errorf("execute transaction %x again: %w", t.Hash, err)
	}
	l = &Run{Exact: res.TransactionCell != nil && bytes.Equal(res.TransactionCell.Hash(), t.Cell.Hash()), Earlier: r.dropped, Steps: make([]Step, 0, len(r.steps))}
	for _, s := range r.steps {
		l.Steps = append(l.Steps, Step{s.Step, opcode(s.Opcode), s.GasRemaining, stackOf(s.Stack), printable(strings.ReplaceAll(strings.TrimSpace(s.Message), "\n", "; "))})
	}
	l.Commands, err = actionsOf(res.Actions)
	return l, err
}

// execute is t once more.
func execute(block *tvm.BlockContext, before *tvm.PreparedAccount, t *Transaction, hook vm.TraceHook) (*tvm.TransactionExecutionResult, error) {
	opts := tvm.TransactionOptions{LogicalTime: int64(t.LT), TraceHook: hook}
	if tick, ok := t.Description.(tlb.TransactionDescriptionTickTock); ok {
		return tvm.NewTVM().EmulateTickTockTransaction(block, before, tick.IsTock, opts)
	}
	if t.In == nil {
		return nil, errors.New("no message caused it")
	}
	m, err := tvm.PrepareMessage(t.In.Cell)
	if err != nil {
		return nil, err
	}
	return tvm.NewTVM().EmulateTransaction(block, before, m, opts)
}

// recorder keeps the last steps.
type recorder struct {
	keep    int
	steps   []vm.TraceStep
	dropped int
}

func (r *recorder) note(s vm.TraceStep) {
	if s.Opcode == "" && !worthNoting(s.Message) {
		return
	}
	r.steps = append(r.steps, s)
	if r.keep < 0 || len(r.steps) <= r.keep {
		return
	}
	if r.steps[0].Opcode != "" {
		r.dropped++
	}
	r.steps[0] = vm.TraceStep{} // let its stack go
	r.steps = r.steps[1:]
}

// worthNoting tells exceptions and what the contract itself wrote for whoever
// debugs it from how the machine jumps about.
func worthNoting(message string) bool {
	return strings.HasPrefix(message, "[EXCEPTION]") || strings.Contains(message, "DEBUG")
}

// opcode is an instruction on one line, without the code it carries along.
func opcode(s string) string {
	from, to := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if from >= 0 && to > from {
		s = s[:from] + "<…>" + s[to+1:]
	}
	return printable(strings.Join(strings.Fields(s), " "))
}

// cold is c read anew: cells out of the machine go on counting its gas.
func cold(c *cell.Cell) (*cell.Cell, error) { return cell.FromBOC(c.ToBOC()) }
