package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain/bundle"
)

type proofOptions struct {
	output   string
	at, from uint32
}

func newProof(e *env) *cobra.Command {
	o := proofOptions{}
	c := &cobra.Command{
		Use:   "proof ADDRESS...",
		Short: "Write a file that proves the states of accounts",
		Long: `Asks the liteservers for the accounts and for all proofs from the block that the
network file trusts (init_block) down to them, and writes one file, which
cocoon verify checks without a network. An indexer makes the same file:
GET /v1/proof?account=ADDRESS.`,
		Args: atLeast("ADDRESS"),
		RunE: func(c *cobra.Command, args []string) error { return runProof(c.Context(), e, o, args) },
	}
	c.Flags().StringVarP(&o.output, "output", "o", "accounts.bundle", "file to write")
	c.Flags().Uint32Var(&o.at, "at", 0, "masterchain block to show the accounts at; 0 is the newest")
	c.Flags().Uint32Var(&o.from, "from", 0, "masterchain block that its reader trusts; 0 is that of the network file")
	return c
}

// atLeast wants one argument or more.
func atLeast(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return cocoon.WithHint(cocoon.Invalid.Errorf("%s takes one %s or more", c.CommandPath(), name), "%s --help", c.CommandPath())
	}
}

type proved struct {
	File     string `json:"file"`
	Bytes    int    `json:"bytes"`
	Seqno    uint32 `json:"mc_seqno"`
	From     uint32 `json:"from"`
	Accounts int    `json:"accounts"`
}

func runProof(ctx context.Context, e *env, o proofOptions, args []string) error {
	accounts, err := parseAccounts(args)
	if err != nil {
		return err
	}
	n, err := e.loadNetwork()
	if err != nil {
		return err
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer client.Close()
	data, err := bundle.NewMaker(client).Make(ctx, o.at, o.from, accounts...)
	if err != nil {
		return err
	}
	b, err := bundle.Parse(data)
	if err != nil {
		return err
	}
	if err = os.WriteFile(o.output, data, 0o644); err != nil {
		return fmt.Errorf("write the proof bundle: %w", err)
	}
	p := proved{o.output, len(data), b.Head().Seqno, b.From.Seqno, len(b.Accounts)}
	return e.show("proof", p, [2]string{"file", p.File}, [2]string{"bytes", fmt.Sprint(p.Bytes)}, [2]string{"block", fmt.Sprint(p.Seqno)},
		[2]string{"for who trusts block", fmt.Sprint(p.From)}, [2]string{"accounts", fmt.Sprint(p.Accounts)})
}

func parseAccounts(args []string) ([]cocoon.Account, error) {
	list := make([]cocoon.Account, len(args))
	for i, text := range args {
		var err error
		if list[i], err = cocoon.ParseAccount(text); err != nil {
			return nil, err
		}
	}
	return list, nil
}
