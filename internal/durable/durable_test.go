package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/durable"
)

func TestReplace_LeavesOneWholeFileForItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path+durable.Unfinished, []byte("half of an older one"), 0o600))
	for _, text := range []string{"a long first text", "short"} {
		require.NoError(t, durable.Replace(path, []byte(text)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, path+durable.Unfinished)
	require.Error(t, durable.Replace(filepath.Join(path, "below a file"), nil))
}
