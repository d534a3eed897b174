package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/indexer"
)

// indexVariable names the index's database in the environment.
const indexVariable = "COCOON_INDEX_DSN"

// indexDatabase is where the index is kept: at the address in --index-dsn-file
// or COCOON_INDEX_DSN, else in a file of the data folder. No flag takes the
// address itself, since it may hold a password and everybody sees flags.
func (o *serveOptions) indexDatabase() (path, dsn string, err error) {
	named := os.Getenv(indexVariable)
	if o.indexDSN != "" {
		b, err := os.ReadFile(o.indexDSN)
		if err != nil {
			return "", "", fmt.Errorf("read --index-dsn-file: %w", cocoon.Invalid.Errorf("%w", err))
		}
		if named = strings.TrimSpace(string(b)); named == "" {
			return "", "", cocoon.Invalid.Errorf("--index-dsn-file %s is empty", o.indexDSN)
		}
	}
	switch {
	case named == "":
		return filepath.Join(o.data, "index.db"), "", nil
	case strings.Contains(named, "://"):
		return "", named, nil
	}
	return named, "", nil
}

// indexConfig is the indexer that the flags ask for, of the client's network.
func (o *serveOptions) indexConfig(client *chain.Client) (indexer.Config, error) {
	n := client.Network()
	path, dsn, err := o.indexDatabase()
	c := indexer.Config{Path: path, DSN: dsn, GlobalID: n.GlobalID, Registry: n.Registry, Chain: client, Start: o.start, Backfill: o.backfill,
		Prover: bundle.NewMaker(client), AuditEvery: o.audit, Ahead: o.ahead}
	if n.Name == "localnet" {
		c.Skew = -1 // it lives in the past on purpose
	}
	return c, err
}
