package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet/trace"
)

type traceOptions struct {
	tx, vm  bool
	steps   int
	limits  trace.Limits
	back    int
	timeout time.Duration
}

func newTrace(e *env) *cobra.Command {
	o := traceOptions{}
	c := &cobra.Command{
		Use:   "trace HASH|ADDRESS[:LT]",
		Short: "Show what a message did: the transactions it led to, as a tree",
		Long: `Shows the whole tree of transactions that one belongs to, from the message that
came from outside down to what is still on its way: value, operation, receiver,
exit code, gas used of its limit, fees, and whether an account was born, died or
sent the value back. On any network.

HASH is that of a transaction or a message, in hex or base64, or at least the
first 8 digits of it; it is searched for in the newest blocks. An address alone
means the account's newest transaction, one with LT that at this logical time.

  cocoon trace --tx HASH    every phase, message and figure of one transaction
  cocoon trace --vm HASH    executes it again: actions, and the last instructions

Liteservers are believed here, and nothing is decided by what they say.`,
		Args: exactly("HASH or ADDRESS[:LT]"),
		RunE: func(c *cobra.Command, args []string) error { return runTrace(c.Context(), e, o, args[0]) },
	}
	f := c.Flags()
	f.BoolVar(&o.tx, "tx", false, "one transaction with everything that is known of it")
	f.BoolVar(&o.vm, "vm", false, "with --tx, which it means: execute it again, for actions and the log")
	f.IntVar(&o.steps, "steps", 20, "instructions of the log to show, the last ones; 0 for all")
	f.IntVar(&o.limits.Depth, "depth", 100, "levels of the tree at most")
	f.IntVar(&o.limits.Transactions, "limit", 1000, "transactions of the tree at most")
	f.IntVar(&o.back, "back", 2000, "blocks to search for a hash, the newest first")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long to look; what was found by then is shown")
	return c
}

func (o *traceOptions) validate() error {
	if o.steps < 0 || o.limits.Depth < 1 || o.limits.Transactions < 1 || o.back < 1 || o.timeout <= 0 {
		return cocoon.Invalid.Errorf("--depth, --limit, --back and --timeout must be above zero, --steps not below")
	}
	return nil
}

func runTrace(ctx context.Context, e *env, o traceOptions, what string) error {
	target, err := parseTarget(what)
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		return err
	}
	n, err := e.loadNetwork()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	client, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer client.Close()
	api, done, err := openLite(ctx, n)
	if err != nil {
		return err
	}
	defer done()
	t := tracing{env: e, opts: o, api: api, names: e.traceNames(ctx, client),
		reader: &trace.Reader{Blocks: trace.NewLite(api), Limits: o.limits, Back: o.back}}
	if o.tx || o.vm {
		return t.detail(ctx, target)
	}
	return t.tree(ctx, target)
}

// tracing is one trace on its way to the user.
type tracing struct {
	*env
	opts   traceOptions
	api    *ton.APIClient
	reader *trace.Reader
	names  trace.Names
}

func (t *tracing) tree(ctx context.Context, target traceTarget) error {
	first, err := t.find(ctx, target)
	if err != nil {
		return err
	}
	root, err := t.reader.Trace(ctx, first)
	if root == nil {
		return lost(err)
	}
	tree := trace.ShowTree(root, t.names)
	if t.json {
		return errors.Join(t.event("trace", tree), lost(err))
	}
	return errors.Join(tree.WriteText(t.out, t.style()), lost(err))
}

func (t *tracing) detail(ctx context.Context, target traceTarget) error {
	tx, err := t.find(ctx, target)
	if err != nil {
		return err
	}
	if target.hash != nil { // of a message, it was found with who sent it
		root, err := t.reader.Trace(ctx, tx)
		if err != nil {
			return lost(err)
		}
		node := root.Find(target.hash)
		if node == nil || node.Transaction == nil {
			return cocoon.WithHint(cocoon.NotFound.Errorf("message %x was not delivered to anybody", target.hash), "see what sent it: cocoon trace %x", tx.Hash)
		}
		tx = node.Transaction
	}
	v := trace.Show(tx, t.names)
	if t.opts.vm {
		if v.Log, err = t.reader.Replay(ctx, t.api, tx, t.kept()); err != nil {
			return cocoon.WithHint(lost(err), "liteservers keep the state before a transaction for a while only; see the rest with --tx alone")
		}
	}
	if t.json {
		return t.event("transaction", v)
	}
	return v.WriteText(t.out, t.style())
}

// kept is how many steps of the log are kept; less than 0 is all of them.
func (t *tracing) kept() int {
	if t.opts.steps == 0 {
		return -1
	}
	return t.opts.steps
}

func (t *tracing) style() trace.Style {
	return trace.Style{Colour: t.isTerminal() && os.Getenv("NO_COLOR") == "", Steps: t.kept()}
}

// find is the transaction that the user named.
func (t *tracing) find(ctx context.Context, target traceTarget) (tx *trace.Transaction, err error) {
	switch {
	case target.hash != nil:
		tx, err = t.reader.Find(ctx, target.hash)
	case target.lt != 0:
		tx, err = t.reader.At(ctx, target.account, target.lt)
	default:
		tx, err = t.newest(ctx, target)
	}
	if errors.Is(err, trace.ErrNotFound) {
		err = cocoon.WithHint(cocoon.NotFound.Errorf("%w", err), "%s", target.hint())
	}
	return tx, lost(err)
}

// newest is the account's last transaction. One that is gone names none, and is
// looked for in the newest blocks.
func (t *tracing) newest(ctx context.Context, target traceTarget) (*trace.Transaction, error) {
	head, err := t.api.GetMasterchainInfo(ctx)
	if err != nil {
		return nil, err
	}
	found, err := t.api.GetAccount(ctx, head, target.account)
	if err != nil {
		return nil, fmt.Errorf("read account %s: %w", target.account.StringRaw(), err)
	}
	if found.LastTxLT != 0 {
		return t.reader.At(ctx, target.account, found.LastTxLT)
	}
	return t.reader.Last(ctx, target.account)
}

// lost gives an error of the way to the chain the kind it has.
func lost(err error) error {
	if err == nil || cocoon.KindOf(err) != cocoon.Internal || errors.Is(err, context.Canceled) {
		return err
	}
	return cocoon.Unreachable.Errorf("%w", err)
}
