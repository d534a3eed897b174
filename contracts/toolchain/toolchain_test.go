package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/contracts"
)

// What npm's own driver and Tact's own output say of testdata.
const (
	counterHash = "9228cac0161e43b358cab5bca7b94f8627478c5277a0dd656d0d79134e2556fd"
	switchHash  = "10bd906527968cda04c35d967669cd88ff755e6540a4dc6acc3eb229048ee4c9"
)

var compilers = sync.OnceValues(func() (*toolchain, error) {
	return open(context.Background(), ".", ".", io.Discard)
})

// workshop is a folder with the FunC of testdata and the real compilers, where
// these are installed: the tests fetch nothing.
func workshop(t *testing.T) *toolchain {
	t.Helper()
	lock, err := readLock(lockName)
	require.NoError(t, err)
	installed, err := readLock(filepath.Join(modules, installedName))
	if err != nil || !lock.satisfiedBy(installed) {
		t.Skip("the compilers are not installed: run npm ci in contracts/toolchain")
	}
	shared, err := compilers()
	require.NoError(t, err)
	mine := *shared
	mine.dir = t.TempDir()
	require.NoError(t, os.CopyFS(mine.dir, os.DirFS("testdata")))
	require.NoError(t, os.Rename(filepath.Join(mine.dir, "switch.tact"), filepath.Join(mine.dir, "aside")))
	return &mine
}

// withTact puts the Tact contract in its place, too.
func (t *toolchain) withTact(tb testing.TB) *toolchain {
	tb.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		tb.Skip("node is not installed, Tact runs on it")
	}
	require.NoError(tb, os.Rename(filepath.Join(t.dir, "aside"), filepath.Join(t.dir, "switch.tact")))
	return t
}

func (t *toolchain) edit(tb testing.TB, file, from, to string) {
	tb.Helper()
	file = filepath.Join(t.dir, filepath.FromSlash(file))
	text, err := os.ReadFile(file)
	require.NoError(tb, err)
	require.Contains(tb, string(text), from)
	require.NoError(tb, os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o644))
}

// artefacts is everything in build/, by file name.
func (t *toolchain) artefacts(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(t.buildDir(), "*"))
	require.NoError(tb, err)
	all := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(tb, err)
		all[filepath.Base(f)] = string(raw)
	}
	return all
}

// figures is the JSON in the last line of out.
func figures(tb testing.TB, out *bytes.Buffer) map[string]int {
	tb.Helper()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var figures map[string]int
	require.NoError(tb, json.Unmarshal([]byte(lines[len(lines)-1]), &figures))
	return figures
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func TestBuild_GivesTheCodeOfTheOfficialCompilers(t *testing.T) {
	t.Parallel()
	w := workshop(t).withTact(t)
	var out bytes.Buffer
	require.NoError(t, w.build(t.Context(), nil, &out))
	require.Equal(t, map[string]int{"contracts": 2, "changed": 2, "removed": 0}, figures(t, &out))

	list, err := contracts.ReadAll(os.DirFS(w.buildDir()))
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, counterHash, list[0].CodeHash)
	require.Equal(t, []string{"counter.fc", "imports/step.fc"}, sortedKeys(list[0].Sources))
	require.Equal(t, switchHash, list[1].CodeHash)
	require.Equal(t, []string{"imports/flip.tact", "switch.tact"}, sortedKeys(list[1].Sources))
	require.Equal(t, "1.6.13", list[1].Compiler.Version)
}

func TestBuild_IsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	one, two := workshop(t).withTact(t), workshop(t).withTact(t)
	require.NoError(t, one.build(t.Context(), nil, io.Discard))
	require.NoError(t, two.build(t.Context(), nil, io.Discard))
	require.Equal(t, one.artefacts(t), two.artefacts(t))

	var out bytes.Buffer
	require.NoError(t, one.build(t.Context(), nil, &out))
	require.Equal(t, 0, figures(t, &out)["changed"])
}

func TestBuild_AnErrorNamesThePlaceAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := workshop(t).withTact(t)
	require.NoError(t, w.build(t.Context(), []string{"counter"}, io.Discard))
	before := w.artefacts(t)
	w.edit(t, "imports/step.fc", "n + 1", "m + 1")
	w.edit(t, "switch.tact", "self.owner)", "self.keeper)")
	err := w.build(t.Context(), nil, io.Discard)
	require.ErrorContains(t, err, "imports/step.fc:1:33: error: undefined function `m`")
	require.ErrorContains(t, err, `switch.tact:6:43: Type "Switch" does not have a field named "keeper"`)
	require.NotContains(t, err.Error(), "    at ")
	require.Equal(t, before, w.artefacts(t))
}

// twin puts a second FunC contract beside the first.
func (t *toolchain) twin(tb testing.TB) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(t.dir, "counter.fc"))
	require.NoError(tb, err)
	require.NoError(tb, os.WriteFile(filepath.Join(t.dir, "twin.fc"), text, 0o644))
}

func TestBuild_OneContractLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	w.twin(t)
	require.NoError(t, w.build(t.Context(), []string{"counter"}, io.Discard))
	require.Equal(t, []string{"counter.json"}, sortedKeys(w.artefacts(t)))
	require.NoError(t, os.Remove(filepath.Join(w.dir, "counter.fc")))
	require.NoError(t, w.build(t.Context(), []string{"twin"}, io.Discard))
	require.Equal(t, []string{"counter.json", "twin.json"}, sortedKeys(w.artefacts(t)))
	require.ErrorContains(t, w.build(t.Context(), []string{"teapot"}, io.Discard), `no contract "teapot"`)

	var out bytes.Buffer
	require.NoError(t, w.build(t.Context(), nil, &out))
	require.Equal(t, 1, figures(t, &out)["removed"])
	require.Equal(t, []string{"twin.json"}, sortedKeys(w.artefacts(t)))
}

func TestBuild_OneFileHoldsOneContract(t *testing.T) {
	t.Parallel()
	w := workshop(t).withTact(t)
	w.edit(t, "switch.tact", "// A throw-away", "contract Second() { receive() { } }\n// A throw-away")
	require.ErrorContains(t, w.build(t.Context(), []string{"switch"}, io.Discard), "holds 2 contracts")
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "switch.fc"), nil, 0o644))
	require.ErrorContains(t, w.build(t.Context(), nil, io.Discard), "switch.fc and switch.tact would be one contract")
}

func TestBuild_ALinkDoesNotLeadOut(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	outside := filepath.Join(t.TempDir(), "step.fc")
	require.NoError(t, os.WriteFile(outside, []byte("int step(int n) inline { return n; }"), 0o644))
	inside := filepath.Join(w.dir, "imports", "step.fc")
	require.NoError(t, os.Remove(inside))
	if err := os.Symlink(outside, inside); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	require.ErrorContains(t, w.build(t.Context(), []string{"counter"}, io.Discard), "counter.fc:2:1: error:")
}

func TestVerify_AgreesWithWhatWasBuilt(t *testing.T) {
	t.Parallel()
	w := workshop(t).withTact(t)
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	var out bytes.Buffer
	require.NoError(t, w.verify(t.Context(), &out))
	require.Equal(t, "counter\tok\nswitch\tok\n{\"contracts\":2,\"different\":0}\n", out.String())
}

func TestVerify_TellsWhatDiffers(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	w.twin(t)
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	w.edit(t, "imports/step.fc", "n + 1", "n + 2")
	require.NoError(t, os.Rename(filepath.Join(w.buildDir(), "twin.json"), filepath.Join(w.buildDir(), "kettle.json")))
	before := w.artefacts(t)

	var out bytes.Buffer
	require.ErrorIs(t, w.verify(t.Context(), &out), errDiffers)
	require.Contains(t, out.String(), "the artefact says "+counterHash)
	require.Contains(t, out.String(), "counter\timports/step.fc has changed\n")
	require.Contains(t, out.String(), "twin\tnot compiled yet\n")
	require.Contains(t, out.String(), "kettle\tcompiled, but its source is gone\n")
	require.Equal(t, map[string]int{"contracts": 2, "different": 3}, figures(t, &out))
	require.Equal(t, before, w.artefacts(t))
}

func TestVerify_ReportsADamagedArtefact(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	require.NoError(t, w.build(t.Context(), nil, io.Discard))
	w.edit(t, "build/counter.json", `"boc": "te6c`, `"boc": "AAAA`)
	var out bytes.Buffer
	require.ErrorIs(t, w.verify(t.Context(), &out), errDiffers)
	require.Contains(t, out.String(), "counter\tparse the code of contract counter")
}

func TestDifferences_NamesEachField(t *testing.T) {
	t.Parallel()
	a := contracts.Artifact{Name: "a", Lang: "func", CodeHash: "1", Sources: map[string]string{"a.fc": "1", "b.fc": "1"}}
	b := contracts.Artifact{Name: "b", Lang: "tact", CodeHash: "2", Sources: map[string]string{"a.fc": "2", "c.fc": "1"},
		Compiler: contracts.Compiler{Package: "p", Version: "1", Integrity: "s"}}
	require.Empty(t, differences(a, a))
	require.Equal(t, []string{
		"the name is b, the artefact says a",
		"the language is tact, the artefact says func",
		"the compiler is {p 1 s}, the artefact says {  }",
		"the code hash is 2, the artefact says 1",
		"a.fc has changed",
		"c.fc is compiled into it now",
		"b.fc is no longer compiled into it",
	}, differences(a, b))
}
