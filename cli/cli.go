// Package cli is the command tree of cocoon: flags, configuration and output.
// It joins the rooms; only here are flags and signals seen.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
)

// Main runs the command that args name and returns the exit code: 0 done,
// 1 failed, 2 misuse, 3 no money, 4 unreachable.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not drain
	e := &env{in: stdin, out: stdout, err: stderr}
	root := newRoot(e)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	e.fail(err)
	return cocoon.KindOf(err).ExitCode()
}

func newRoot(e *env) *cobra.Command {
	root := group("cocoon", "A market for private AI inference on TON", newUp(e), newLocalnet(e), newNetwork(e), newWallet(e), newProvider(e),
		newDispatcher(e), newWorker(e), newEngine(e), newClient(e), newJob(e), newServe(e), newTrace(e), newProof(e), newVerify(e), newVersion(e))
	root.Long = `cocoon stakes GPU workers, escrows jobs and follows both on TON.

Try it without a network of your own:  cocoon up`
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return e.prepare() }
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cocoon.WithHint(cocoon.Invalid.Errorf("%w", err), "%s --help", c.CommandPath())
	})
	e.flags(root.PersistentFlags())
	return root
}

// group is a command that only holds others; a word it does not know is misuse.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cocoon.WithHint(cocoon.Invalid.Errorf("unknown command %q of %s", args[0], c.CommandPath()), "%s --help", c.CommandPath())
		}
		return c.Help()
	}}
	c.AddCommand(commands...)
	return c
}

// exactly wants an argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return cocoon.WithHint(cocoon.Invalid.Errorf("%s takes %s, not %d arguments", c.CommandPath(), wanted(names), len(args)), "%s --help", c.CommandPath())
	}
}

func wanted(names []string) string {
	if len(names) == 0 {
		return "no argument"
	}
	return strings.Join(names, " and ")
}

// fail tells the user what went wrong, and what to do next where that is known.
func (e *env) fail(err error) {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	hint := cocoon.HintOf(err)
	if e.json {
		b, _ := json.Marshal(struct {
			Event string `json:"event"`
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Exit  int    `json:"exit"`
		}{"error", err.Error(), hint, cocoon.KindOf(err).ExitCode()})
		fmt.Fprintln(e.err, string(b))
		return
	}
	fmt.Fprintln(e.err, "error:", err)
	if hint != "" {
		fmt.Fprintln(e.err, "hint:", hint)
	}
}
