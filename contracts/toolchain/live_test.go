package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "compile the models of the live network again")

const liveDir = "../../sandbox-tests/testdata/live"

// The models of the live network's contracts are no part of the program; the
// sandbox tests read their artefacts, which this keeps true to their sources.
func TestLive_ModelsAreWhatTheirSourcesCompileTo(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	if *update {
		w.dir = liveDir
		require.NoError(t, w.build(t.Context(), nil, io.Discard))
	}
	w.dir = t.TempDir()
	require.NoError(t, os.CopyFS(w.dir, os.DirFS(filepath.FromSlash(liveDir))))
	var out bytes.Buffer
	require.NoError(t, w.verify(t.Context(), &out), out.String())
	require.Equal(t, map[string]int{"contracts": 2, "different": 0}, figures(t, &out))
}
