package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/market"
	"github.com/cocoon-network/cocoon/examples"
)

type upOptions struct {
	once      bool
	data, api string
	batch     string
}

func newUp(e *env) *cobra.Command {
	o := upOptions{}
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the whole market on a local chain, in this process",
		Long: `Starts a TON chain, deploys the contracts and lets every party do its business
for real: providers stake and register GPU workers, a client escrows jobs,
workers run them, the escrow pays, one job is refunded, a worker that went silent
is slashed, a channel pays by voucher and is closed, an application asks a worker
over OpenAI's interface, an epoch pays rewards by
Merkle proof, a provider takes its stake home.
Every contract is then reconciled to the nanoTON, and the market keeps serving
until Ctrl-C. All ports are free ones on loopback.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runUp(c.Context(), e, o) },
	}
	f := c.Flags()
	f.BoolVar(&o.once, "once", false, "end after the scenario")
	f.StringVar(&o.data, "data", "", "empty folder for databases and results (default: a fresh temporary one)")
	f.StringVar(&o.api, "api", "127.0.0.1:0", "address of the HTTP API")
	f.StringVar(&o.batch, "batch", "", "requests in OpenAI's batch format (default: examples/batch.jsonl)")
	return c
}

func runUp(ctx context.Context, e *env, o upOptions) error {
	if err := checkListen("--api", o.api); err != nil {
		return err
	}
	batch := examples.Batch
	if o.batch != "" {
		b, err := os.ReadFile(o.batch)
		if err != nil {
			return cocoon.Invalid.Errorf("read the batch: %w", err)
		}
		batch = b
	}
	data := o.data
	if data == "" {
		dir, err := os.MkdirTemp("", "cocoon-")
		if err != nil {
			return fmt.Errorf("make a folder for the market: %w", err)
		}
		data = filepath.Join(dir, "market")
	}
	log := e.log
	if !e.verbose { // the story says what matters
		log = slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	return market.Run(ctx, market.Config{Data: data, API: o.api, Batch: batch, Once: o.once, Tell: &teller{e: e}, Logger: log})
}

// teller prints the story: as JSON lines, or for people.
type teller struct {
	e      *env
	openai market.OpenAI // told again at the end, where people look
}

// Tell prints one event.
func (t *teller) Tell(event string, v any) error {
	if t.e.json {
		return t.e.event(event, v)
	}
	var err error
	switch x := v.(type) {
	case market.Network:
		_, err = fmt.Fprintf(t.e.out, "\n  API        %s/v1/status\n  dispatcher %s\n  registry   %s\n  network    %s\n  data       %s\n\n", x.API, x.Dispatcher, x.Registry, x.File, x.Data)
	case market.Step:
		if _, err = fmt.Fprintf(t.e.out, "%-10s %s\n", x.Name, x.Text); err == nil && x.Name == "serving" {
			_, err = fmt.Fprintf(t.e.out, "\n  export OPENAI_BASE_URL=%s OPENAI_API_KEY=%s\n\n", t.openai.URL, t.openai.Key)
		}
	case market.Transaction:
		refused := ""
		if x.ExitCode != 0 {
			refused = fmt.Sprintf("  refused: exit code %d", x.ExitCode)
		}
		_, err = fmt.Fprintf(t.e.out, "           · %-15s %-12s -> %-12s %16s  tx %s%s\n", x.Name, short(x.From), x.Contract, x.Value, x.Tx[:12], refused)
	case market.Result:
		_, err = fmt.Fprintf(t.e.out, "results    %s: %s\n", x.Job, x.File)
	case market.OpenAI:
		t.openai = x
	case market.Summary:
		err = t.summary(x)
	}
	return err
}

// short cuts an address, not a name.
func short(s string) string {
	if len(s) > 24 {
		return s[:10] + "…"
	}
	return s
}

func (t *teller) summary(s market.Summary) error {
	_, err := fmt.Fprintf(t.e.out, `
jobs       %d opened: %d paid, %d refunded, %d slashed
channels   %d opened: %s settled, %d closed
money      received %s = paid %s + fees %s + held %s
           from the chain's transactions and balances; the indexer says the same
index      %d events up to masterchain block %d
contracts  %d
`, s.Jobs.Opened, s.Jobs.Paid, s.Jobs.Refunded, s.Jobs.Slashed,
		s.Channels.Opened, s.Channels.Settled, s.Channels.Closed, s.Money.Received, s.Money.Paid, s.Money.Fees, s.Money.Held, s.Index.Events, s.Index.Seqno, len(s.Contracts))
	return err
}
