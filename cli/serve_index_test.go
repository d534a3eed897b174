package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestIndexDatabase_TheFlagOutranksTheVariable(t *testing.T) { // not parallel: it sets the environment
	file := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(file, []byte("postgres://u:p@host/x\n"), 0o600))
	t.Setenv(indexVariable, "")
	for _, c := range []struct{ variable, flag, path, dsn string }{
		{"", "", filepath.Join("data", "index.db"), ""},
		{"postgres://host/y", "", "", "postgres://host/y"},
		{"elsewhere.db", "", "elsewhere.db", ""},
		{"postgres://host/y", file, "", "postgres://u:p@host/x"},
	} {
		t.Setenv(indexVariable, c.variable)
		path, dsn, err := (&serveOptions{data: "data", indexDSN: c.flag}).indexDatabase()
		require.NoError(t, err)
		require.Equal(t, []string{c.path, c.dsn}, []string{path, dsn})
	}
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	for _, bad := range []string{file, file + " which is not there"} {
		_, _, err := (&serveOptions{indexDSN: bad}).indexDatabase()
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}
