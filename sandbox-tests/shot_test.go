package sandboxtests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	tracing "github.com/cocoon-network/cocoon/localnet/trace"
	"github.com/cocoon-network/cocoon/wrappers"
)

// shot is one transaction as a failing test shows it: what it takes to execute
// it again, and nothing made before it is needed.
type shot struct {
	block  *tvm.BlockContext
	before *tvm.PreparedAccount
	tx     *cell.Cell // nil where an external message was not accepted
}

// showWhenFailed writes what the last message did into the log of a test that fails.
func (w *world) showWhenFailed() {
	ending, ok := w.t.(interface{ Cleanup(func()) })
	if *mutant != "" || !ok { // of a mutant nobody asks more than whether it is noticed
		return
	}
	ending.Cleanup(func() {
		if w.t.Failed() && len(w.recent) > 0 {
			w.show()
		}
	})
}

// show is the tree of the last message, and of the first transaction in it that
// failed everything, down to the instruction.
func (w *world) show() {
	w.t.Helper()
	var txs []*tracing.Transaction
	var failed *tracing.View
	for _, s := range w.recent {
		tx, err := s.parse()
		if err != nil {
			w.t.Logf("show the last message: %v", err)
			continue
		}
		if tx == nil {
			w.t.Logf("the last message, from outside, was not accepted")
			continue
		}
		txs = append(txs, tx)
		if v := tracing.Show(tx, w.names()); v.Failed && failed == nil {
			if v.Log, err = tracing.Replay(s.block, s.before, tx, shownSteps); err == nil {
				failed = v
			}
		}
	}
	w.t.Logf("what the last message did:")
	tracing.Log(w.t, w.names(), txs...)
	if failed != nil {
		var b strings.Builder
		if err := failed.WriteText(&b, tracing.Style{}); err == nil {
			w.t.Logf("%s", b.String())
		}
	}
}

// shownSteps is how much of the machine's log is shown.
const shownSteps = 20

// parse reads the transaction anew: cells out of the machine go on counting its gas.
func (s shot) parse() (*tracing.Transaction, error) {
	if s.tx == nil {
		return nil, nil
	}
	c, err := cell.FromBOC(s.tx.ToBOC())
	if err != nil {
		return nil, err
	}
	return tracing.Parse(c)
}

// names call contracts by what they run and operations by the schema.
func (w *world) names() tracing.Names {
	return tracing.Names{
		Account:   func(a *address.Address) string { return w.nameOf(a) },
		Operation: func(_ *address.Address, body *cell.Cell) (string, [][2]string) { return wrappers.Describe(body) },
		Exit: func(a *address.Address, code int32) string {
			if w.nameOf(a) == "" {
				return ""
			}
			return wrappers.ExitName(code)
		},
	}
}

// nameOf is the contract that the account runs; "" for a wallet.
func (w *world) nameOf(addr *address.Address) string {
	a, err := chain.AccountOf(addr)
	if err != nil || !w.holdsCode(a) {
		return ""
	}
	found, _ := contracts.ByCodeHash(w.account(a).State().StateInit.Code.Hash())
	return found.Name
}

// overheard is a test whose log is read.
type overheard struct {
	*testing.T
	said strings.Builder
}

func (o *overheard) Logf(format string, args ...any) {
	if format == "%s" {
		o.said.WriteString(args[0].(string))
	}
}

func TestWorld_ShowsWhatTheLastMessageDid(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	o := &overheard{T: t}
	post(c, wallet("stranger"), ton(1), c.rotateTo("next"))
	c.world.t = o
	c.show()
	said := o.said.String()
	require.Contains(t, said, "1 TON  rotate(")
	require.Contains(t, said, "→ channel "+c.channel.String()[:8])
	require.Contains(t, said, "exit 400 wrong_sender")
	require.Contains(t, said, "└─ bounced 0.9")
	require.Regexp(t, `THROW[A-Z]* 400 `, said, "the instruction that threw")
	require.NotContains(t, said, "came out different")

	o.said.Reset()
	c.sendExternal(c.channel, nil)
	c.show()
	require.Empty(t, o.said.String(), "there is no transaction")
}
