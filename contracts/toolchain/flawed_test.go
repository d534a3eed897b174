package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/contracts"
)

const (
	stuckCounter = `It never counts.
--- counter.fc
@@
-    throw_unless(400, step(body~load_uint(32)) < 1000);
+    throw_unless(400, step(body~load_uint(32)) < 0);
--- imports/step.fc
@@
-int step(int n) inline { return n + 1; }
+int step(int n) inline { return n; }
`
	openSwitch = `Anyone switches.
--- switch.tact
@@
-        throwUnless(400, sender() == self.owner);
`
)

// flaw puts a flawed design into the folder for them.
func (t *toolchain) flaw(tb testing.TB, name, diff string) {
	tb.Helper()
	t.flawed = filepath.Join(t.dir, "flawed")
	require.NoError(tb, os.MkdirAll(t.flawed, 0o755))
	require.NoError(tb, os.WriteFile(filepath.Join(t.flawed, name+patchExt), []byte(diff), 0o644))
}

func TestBuild_CompilesFlawedDesignsBesideOurs(t *testing.T) {
	t.Parallel()
	w := workshop(t).withTact(t)
	w.flaw(t, "h1", stuckCounter)
	w.flaw(t, "m9", openSwitch)
	var out bytes.Buffer
	require.NoError(t, w.build(t.Context(), nil, &out))
	require.Equal(t, map[string]int{"contracts": 4, "changed": 4, "removed": 0}, figures(t, &out))
	flawed, err := contracts.ReadAll(os.DirFS(w.flawed))
	require.NoError(t, err)
	require.Len(t, flawed, 2)
	require.NotEqual(t, counterHash, flawed[0].CodeHash)
	require.Equal(t, []string{"counter.fc", "imports/step.fc"}, sortedKeys(flawed[0].Sources))
	require.NotEqual(t, switchHash, flawed[1].CodeHash)
	ours, err := contracts.ReadAll(os.DirFS(w.buildDir()))
	require.NoError(t, err)
	require.Equal(t, []string{counterHash, switchHash}, []string{ours[0].CodeHash, ours[1].CodeHash})
	require.NoError(t, w.verify(t.Context(), io.Discard))
}

func TestBuild_NoticesAFlawThatTheSourcesOutdate(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	w.flaw(t, "h1", stuckCounter)
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	w.edit(t, "imports/step.fc", "n + 1", "n + 2")
	require.ErrorContains(t, w.build(t.Context(), nil, io.Discard), "compile h1.patch:\nchange imports/step.fc: hunk 1 does not fit")
	w.flaw(t, "h1", "nothing\n")
	require.ErrorContains(t, w.build(t.Context(), nil, io.Discard), "read h1.patch: it changes no file")
}

func TestVerify_TellsOfAFlawThatIsGone(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	w.flaw(t, "h1", stuckCounter)
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	require.NoError(t, os.Remove(filepath.Join(w.flawed, "h1"+patchExt)))
	var out bytes.Buffer
	require.ErrorIs(t, w.verify(t.Context(), &out), errDiffers)
	require.Contains(t, out.String(), "h1\tcompiled, but its source is gone\n")
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	require.NoFileExists(t, filepath.Join(w.flawed, "h1.json"))
}
