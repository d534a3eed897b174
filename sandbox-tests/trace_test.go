package sandboxtests

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
)

// step is one transaction.
type step struct {
	from, to cocoon.Account
	value    *big.Int // of the message that caused it
	body     *cell.Cell
	bounced  bool // the message came back
	external bool
	exit     int32 // of the compute phase
	action   int32 // result code of the action phase
	aborted  bool
	gas      int64
	fees     *big.Int    // of the transaction and its messages
	rent     cocoon.Nano // of those, what the account paid for the time before
	out      []*tlb.InternalMessage
}

func (s *step) fill(t rapid.TB, tx *tlb.Transaction, res *tvm.TransactionExecutionResult) {
	s.gas, s.exit, s.fees = res.GasUsed, int32(res.ExitCode), tx.TotalFees.Coins.Nano()
	d, ok := tx.Description.(tlb.TransactionDescriptionOrdinary)
	require.True(t, ok, "transaction is %T", tx.Description)
	s.aborted = d.Aborted
	if d.StoragePhase != nil {
		var err error
		s.rent, err = cocoon.NanoFromBig(d.StoragePhase.StorageFeesCollected.Nano())
		require.NoError(t, err)
	}
	if d.ActionPhase != nil {
		s.action = d.ActionPhase.ResultCode
	}
}

// op is the operation the body names, 0 for a plain transfer.
func (s *step) op() uint32 {
	if s.body == nil || s.body.BitsSize() < 32 {
		return 0
	}
	return uint32(s.body.MustBeginParse().MustLoadUInt(32))
}

// trace is what one message caused, in order of delivery.
type trace struct{ steps []step }

// requireOK wants every transaction on a contract to have succeeded and nothing to have bounced.
func (tr trace) requireOK(t rapid.TB) trace {
	t.Helper()
	require.NotEmpty(t, tr.steps, "the message was not accepted")
	for i, s := range tr.steps {
		require.False(t, s.bounced, "message %d bounced: %#08x from %s", i, s.op(), s.from)
		// an account without code skips the compute phase, which is no failure here
		require.Zero(t, s.action, "step %d, op %#08x at %s: action code", i, s.op(), s.to)
		require.Contains(t, []int32{0, 1}, s.exit, "step %d, op %#08x at %s: exit code", i, s.op(), s.to)
	}
	return tr
}

// requireExit wants the first transaction to fail with code, and its value to come back.
func (tr trace) requireExit(t rapid.TB, code int32) {
	t.Helper()
	require.NotEmpty(t, tr.steps, "the message was not accepted")
	require.Equal(t, code, tr.steps[0].exit, "exit code")
	require.True(t, tr.steps[0].aborted, "the transaction must change nothing")
}

// requireOps wants exactly these operations, in order of delivery.
func (tr trace) requireOps(t *testing.T, ops ...uint32) {
	t.Helper()
	got := make([]uint32, len(tr.steps))
	for i := range tr.steps {
		got[i] = tr.steps[i].op()
	}
	require.Equal(t, ops, got, "operations of the trace")
}

// step returns the first transaction caused by a message with op.
func (tr trace) step(t *testing.T, op uint32) step {
	t.Helper()
	for _, s := range tr.steps {
		if s.op() == op && !s.bounced {
			return s
		}
	}
	require.Failf(t, "no such message", "op %#08x", op)
	return step{}
}

// paidTo is the sum of the values that reached a.
func (tr trace) paidTo(t *testing.T, a cocoon.Account) cocoon.Nano {
	t.Helper()
	sum := new(big.Int)
	for _, s := range tr.steps {
		if s.to == a {
			sum.Add(sum, s.value)
		}
	}
	n, err := cocoon.NanoFromBig(sum)
	require.NoError(t, err)
	return n
}

// payouts is the sum of what rules paid to a: neither change nor what comes back.
func (tr trace) payouts(t *testing.T, a cocoon.Account) cocoon.Nano {
	t.Helper()
	var rules trace
	for _, s := range tr.steps {
		if s.op() == opPayout {
			rules.steps = append(rules.steps, s)
		}
	}
	return rules.paidTo(t, a)
}

// gas is what the whole trace used.
func (tr trace) gas() (sum int64) {
	for _, s := range tr.steps {
		sum += s.gas
	}
	return sum
}
