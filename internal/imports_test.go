// Package internal_test keeps the manners of the whole house.
package internal_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/cocoon-network/cocoon"

// benchmark measures the indexer against a local chain, as its tests do.
const benchmark = "indexer/benchmark"

// rooms are the packages of the house and what each may import of it; a
// folder stands for everything below it. docs/architecture.md draws the same.
var rooms = map[string][]string{
	"":              {},
	"contracts":     {},
	"protocol":      {"", "protocol"},
	"chain":         {""},
	"wrappers":      {"", "contracts", "chain", "protocol"},
	"indexer":       {"", "contracts", "chain", "protocol", "wrappers"},
	"dispatcher":    {"", "chain", "protocol", "wrappers"},
	"worker":        {"", "chain", "protocol", "wrappers"},
	"client":        {"", "chain", "protocol", "wrappers"},
	"localnet":      {},
	"sandbox-tests": {"", "contracts", "chain", "wrappers", "protocol", "localnet"},
	"internal":      {},
	benchmark:       {"", "contracts", "chain", "protocol", "wrappers", "indexer", "localnet"},
	"examples":      {},
}

func TestImports_PointUpTheHouse(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	require.NoError(t, err)
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		require.NoError(t, dec.Decode(&pkg))
		from := room(pkg.ImportPath)
		allowed, listed := rooms[from]
		for _, imp := range pkg.Imports {
			if !strings.HasPrefix(imp, module) || from == "cli" {
				continue // cli joins every room
			}
			to := room(imp)
			require.True(t, listed, "%s is in no room of the house", pkg.ImportPath)
			if to != from && to != "internal" {
				require.Contains(t, allowed, to, "%s imports %s", pkg.ImportPath, imp)
			}
		}
	}
}

func room(pkg string) string {
	path := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
	if path == benchmark {
		return path
	}
	name, _, _ := strings.Cut(path, "/")
	return name
}
