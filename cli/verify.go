package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
)

type verifyOptions struct {
	trusted string
	maxAge  time.Duration
}

func newVerify(e *env) *cobra.Command {
	o := verifyOptions{}
	c := &cobra.Command{
		Use:   "verify FILE [ADDRESS...]",
		Short: "Check a file that proves the states of accounts, offline",
		Long: `Checks a file of cocoon proof, or of an indexer's /v1/proof, against the block that
a network file trusts (init_block), and tells what it proves. FILE may be - for
stdin. With addresses, the file has to be of them. Nobody is asked, so what is
proven may be old: --max-age refuses that.`,
		Args: atLeast("FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return runVerify(e, o, args[0], args[1:]) },
	}
	c.Flags().StringVar(&o.trusted, "trusted", "", "network, or path of a global.config.json, whose init_block is trusted (default: --network)")
	c.Flags().DurationVar(&o.maxAge, "max-age", 0, "refuse a block that is older; 0 refuses none")
	return c
}

type verified struct {
	GlobalID int32            `json:"global_id"`
	Trusted  uint32           `json:"trusted"`
	Seqno    uint32           `json:"mc_seqno"`
	Root     string           `json:"root_hash"`
	Time     uint32           `json:"time"`
	Accounts []provenContract `json:"accounts"`
}

func runVerify(e *env, o verifyOptions, file string, asked []string) error {
	accounts, err := parseAccounts(asked)
	if err != nil {
		return err
	}
	if o.maxAge < 0 {
		return cocoon.Invalid.Errorf("--max-age %s is negative", o.maxAge)
	}
	if o.trusted != "" {
		e.network = o.trusted
	}
	n, err := e.loadNetwork()
	if err != nil {
		return err
	}
	data, err := e.readBundle(file)
	if err != nil {
		return err
	}
	p, err := bundle.Verify(data, n)
	if err != nil {
		return err
	}
	if o.maxAge > 0 {
		if err = p.CheckAge(time.Now(), o.maxAge); err != nil {
			return err
		}
	}
	found := p.Accounts
	if len(accounts) > 0 {
		if found, err = p.Of(accounts...); err != nil {
			return err
		}
	}
	return e.showProven(n, p, found)
}

// readBundle reads a file of at most the size that bundles have.
func (e *env) readBundle(file string) ([]byte, error) {
	r := e.in
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cocoon.WithHint(cocoon.NotFound.Errorf("read the proof bundle: %w", err), "make one with: cocoon proof ADDRESS")
		}
		if err != nil {
			return nil, fmt.Errorf("read the proof bundle: %w", err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, bundle.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the proof bundle: %w", err)
	}
	return data, nil
}

func (e *env) showProven(n chain.Network, p bundle.Proven, found []chain.Account) error {
	v := verified{p.GlobalID, n.Trusted.SeqNo, p.Block.SeqNo, fmt.Sprintf("%x", p.Block.RootHash), uint32(p.Time.Unix()), nil}
	rows := [][2]string{{"block", fmt.Sprint(v.Seqno)}, {"time", e.when(v.Time, uint32(time.Now().Unix()))}, {"trusted block", fmt.Sprint(v.Trusted)}}
	for _, a := range found {
		c := provenContractOf(n, a)
		v.Accounts = append(v.Accounts, c)
		rows = append(rows, c.rows()...)
	}
	return e.show("verified", v, rows...)
}
