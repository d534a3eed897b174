package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLock_PinsBothCompilersAndNoHost(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(lockName)
	require.NoError(t, err)
	require.NotContains(t, string(raw), `"resolved"`)
	lock, err := parseLock(raw)
	require.NoError(t, err)
	wanted := map[string]string{
		funcPackage: "sha512-j3phTMdPkjCrfY9BZjeXRxqdcNwdHUzA/FyuImyTvae7tPymttT4Mmkhc/ChrIx69a4d2Q06jEgI+THDSrRPfA==",
		tactPackage: "sha512-lrgT/kCgC+nuppB4zPSDCAcLQ6EauTJ3NEBX4prEBBRmJ8aexYAfFUfVayskZw96JrDjReNIhnD8dG/yU0Fk+w==",
	}
	var manifest struct{ Dependencies map[string]string }
	raw, err = os.ReadFile("package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &manifest))
	require.Len(t, manifest.Dependencies, len(wanted))
	for name, integrity := range wanted {
		by, err := lock.compiler(name)
		require.NoError(t, err)
		require.Equal(t, integrity, by.Integrity)
		require.Equal(t, manifest.Dependencies[name], by.Version, "package.json asks for an exact version")
	}
	_, err = lock.compiler("left-pad")
	require.ErrorContains(t, err, "does not name left-pad")
}

func TestLock_IsSatisfiedOnlyByTheSamePackages(t *testing.T) {
	t.Parallel()
	pkg := func(version, integrity string) map[string]lockedPackage {
		return map[string]lockedPackage{"": {}, "node_modules/a": {Version: version, Integrity: integrity},
			"node_modules/other-system": {Version: "1", Integrity: "x", Optional: true}}
	}
	lock := lockfile{Packages: pkg("1", "x")}
	require.True(t, lock.satisfiedBy(lockfile{Packages: map[string]lockedPackage{"node_modules/a": {Version: "1", Integrity: "x"}}}))
	require.False(t, lock.satisfiedBy(lockfile{}))
	require.False(t, lock.satisfiedBy(lockfile{Packages: pkg("2", "x")}))
	require.False(t, lock.satisfiedBy(lockfile{Packages: pkg("1", "y")}))
}

func TestReadLock_RefusesWhatPinsNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"packages":{"node_modules/a":{"version":"1"}}}`: "node_modules/a has no version or no integrity",
		`{"packages":`: "read package-lock.json: decode it",
	} {
		file := filepath.Join(t.TempDir(), lockName)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		_, err := readLock(file)
		require.ErrorContains(t, err, want)
	}
}

// emptyShop is a folder with a lock that asks for the FunC compiler.
func emptyShop(t *testing.T) string {
	dir := t.TempDir()
	lock := `{"packages":{"node_modules/` + funcPackage + `":{"version":"1","integrity":"sha512-x"}}}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, lockName), []byte(lock), 0o644))
	return dir
}

func TestOpen_SaysThatOnlyCompilingNeedsNpm(t *testing.T) {
	dir := emptyShop(t)
	t.Setenv("PATH", "")
	_, err := open(t.Context(), dir, dir, io.Discard)
	require.EqualError(t, err, "compiling contracts needs npm; using them does not")
}

func TestOpen_RefusesAnotherFunCCompiler(t *testing.T) {
	t.Parallel()
	dir := emptyShop(t)
	lock, err := os.ReadFile(filepath.Join(dir, lockName))
	require.NoError(t, err)
	dist := filepath.Join(dir, modules, filepath.FromSlash(funcPackage), "dist")
	require.NoError(t, os.MkdirAll(dist, 0o755))
	for file, text := range map[string]string{
		filepath.Join(dir, modules, installedName): string(lock),
		filepath.Join(dist, "funcfiftlib.js"):      "",
		filepath.Join(dist, "funcfiftlib.wasm.js"): "FuncFiftLibWasm: 'AGFzbQ=='",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	_, err = open(t.Context(), dir, dir, io.Discard)
	require.ErrorContains(t, err, "has SHA-256 "+digest([]byte("\x00asm"))+", not "+funcWasmSHA256)
}

func TestRun_RefusesOtherVerbs(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "clean", "verify counter"} {
		require.ErrorIs(t, run(t.Context(), strings.Fields(args), io.Discard, io.Discard), errUsage)
	}
}

func TestFindContracts_LooksUpwards(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	deep := filepath.Join(root, "contracts", "toolchain", "testdata")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	_, err := findContracts(deep)
	require.ErrorContains(t, err, "inside the repository")
	require.NoError(t, os.WriteFile(filepath.Join(root, "contracts", "toolchain", lockName), nil, 0o644))
	for _, from := range []string{root, deep} {
		found, err := findContracts(from)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(root, "contracts"), found)
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte(`{"packages":{"":{},"node_modules/a":{"version":"1","integrity":"sha512-x"}}}`))
	f.Add([]byte(`{"packages":{"node_modules/a":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := parseLock(raw)
		if err == nil {
			require.True(t, l.satisfiedBy(l))
		}
	})
}
