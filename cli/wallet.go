package cli

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

func newWallet(e *env) *cobra.Command {
	return group("wallet", "Make wallets and look at them", newWalletNew(e), newWalletImport(e), newWalletAddress(e), newWalletBalance(e), newWalletSend(e))
}

func newWalletNew(e *env) *cobra.Command {
	name := "wallet"
	c := &cobra.Command{
		Use:   "new",
		Short: "Make a wallet of 24 words",
		Long:  "Makes 24 words and keeps them in a file that only you can read. Whoever has the words has the money: copy them to paper.",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			return saveWallet(c.Context(), e, name, chain.NewMnemonic())
		},
	}
	c.Flags().StringVar(&name, "name", name, "name or file of the wallet")
	return c
}

func newWalletImport(e *env) *cobra.Command {
	name := "wallet"
	c := &cobra.Command{
		Use:   "import",
		Short: "Take over a wallet by its 24 words, read from stdin",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			line, err := readSecret(e, "24 words: ")
			if err != nil {
				return err
			}
			return saveWallet(c.Context(), e, name, strings.Fields(line))
		},
	}
	c.Flags().StringVar(&name, "name", name, "name or file of the wallet")
	return c
}

// readSecret reads one line without showing it.
func readSecret(e *env, prompt string) (string, error) {
	if f, ok := e.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(e.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(e.err)
		return string(b), err
	}
	line, err := bufio.NewReader(io.LimitReader(e.in, 4096)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return line, err
}

type walletShown struct {
	Account  cocoon.Account `json:"account"`
	Friendly string         `json:"address"`
	File     string         `json:"file"`
}

// saveWallet keeps words under name; one that is there already stays.
func saveWallet(ctx context.Context, e *env, name string, words []string) error {
	id, err := e.globalID(ctx)
	if err != nil {
		return err
	}
	file := e.keyFile(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := chain.SaveMnemonic(file, words); err != nil {
		return err
	}
	e.say("kept in %s, which only you can read", file)
	return e.showAddress(name, id)
}

func newWalletAddress(e *env) *cobra.Command {
	name := "wallet"
	c := &cobra.Command{Use: "address", Short: "Print a wallet's address", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return showWallet(c.Context(), e, name) }}
	c.Flags().StringVar(&name, "wallet", name, "name or file of the wallet")
	return c
}

func showWallet(ctx context.Context, e *env, name string) error {
	id, err := e.globalID(ctx)
	if err != nil {
		return err
	}
	return e.showAddress(name, id)
}

// showAddress derives the address for one network: a v5 wallet is bound to it.
func (e *env) showAddress(name string, id int32) error {
	key, err := e.loadKey(name, noWallet)
	if err != nil {
		return err
	}
	a, err := chain.WalletAccount(key.Public().(ed25519.PublicKey), id)
	if err != nil {
		return err
	}
	w := walletShown{a, a.Friendly(false, id != chain.Mainnet), e.keyFile(name)}
	return e.show("wallet", w, [2]string{"address", w.Friendly}, [2]string{"raw", a.String()})
}

// globalID is that of the chosen network, which is asked only where neither its
// name nor its file tells.
func (e *env) globalID(ctx context.Context) (int32, error) {
	switch e.network {
	case "mainnet":
		return chain.Mainnet, nil
	case "testnet":
		return chain.Testnet, nil
	}
	n, err := e.loadNetwork()
	if err != nil || n.GlobalID != 0 {
		return n.GlobalID, err
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	return client.Network().GlobalID, nil
}

func newWalletBalance(e *env) *cobra.Command {
	name := "wallet"
	c := &cobra.Command{Use: "balance", Short: "Print what a wallet holds", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runWalletBalance(c.Context(), e, name) }}
	c.Flags().StringVar(&name, "wallet", name, "name or file of the wallet")
	return c
}

func runWalletBalance(ctx context.Context, e *env, name string) error {
	n, err := e.loadNetwork()
	if err != nil {
		return err
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := e.openWallet(client, name)
	if err != nil {
		return err
	}
	acc, err := client.Account(ctx, w.Account())
	if err != nil {
		return fmt.Errorf("read wallet %s: %w", w.Account(), err)
	}
	return e.show("balance", struct {
		Account cocoon.Account `json:"account"`
		Balance cocoon.Nano    `json:"balance_nano"`
	}{w.Account(), acc.Balance}, [2]string{"balance", acc.Balance.String()})
}

func newWalletSend(e *env) *cobra.Command {
	p := payer{}
	c := &cobra.Command{Use: "send ADDRESS AMOUNT", Short: "Send TON to an address", Args: exactly("ADDRESS", "AMOUNT"),
		RunE: func(c *cobra.Command, args []string) error { return runWalletSend(c.Context(), e, p, args[0], args[1]) }}
	p.flags(c.Flags())
	return c
}

func runWalletSend(ctx context.Context, e *env, p payer, to, amount string) error {
	a, err := cocoon.ParseAccount(to)
	if err != nil {
		return err
	}
	n, err := parseAmount(amount)
	if err != nil {
		return err
	}
	network, err := e.loadNetwork()
	if err != nil {
		return err
	}
	d, err := p.open(ctx, e, network)
	if err != nil {
		return err
	}
	defer d.client.Close()
	return d.send(ctx, e, "send "+n.String(), chain.Message{To: a, Amount: n})
}

// parseAmount reads an amount of TON that a user typed.
func parseAmount(s string) (cocoon.Nano, error) {
	n, err := cocoon.ParseTON(s)
	if err != nil {
		return n, cocoon.WithHint(cocoon.Invalid.Errorf("%w", err), "amounts are in TON, as in 12 or 0.5")
	}
	return n, nil
}
