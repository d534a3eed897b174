package sandboxtests

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/internal/patch"
)

const flawedDir = "testdata/flawed"

// flawedDesign is our source with the flaw of an earlier design put back, and
// what that compiles to.
type flawedDesign struct {
	patch.Patch
	contracts.Artifact
}

// contract is the one that the patch is of: it changes that file first.
func (f flawedDesign) contract() string {
	return strings.TrimSuffix(f.Files[0].Name, filepath.Ext(f.Files[0].Name))
}

// flaw is the id in the review; one that takes two contracts to show has a patch of each.
func (f flawedDesign) flaw() string {
	id, _, _ := strings.Cut(f.Name, "_")
	return strings.ToUpper(id)
}

var flawedDesigns = sync.OnceValues(func() ([]flawedDesign, error) {
	compiled, err := contracts.ReadAll(os.DirFS(flawedDir))
	if err != nil {
		return nil, err
	}
	designs := make([]flawedDesign, len(compiled))
	for i, a := range compiled {
		text, err := os.ReadFile(filepath.Join(flawedDir, a.Name+".patch"))
		if err != nil {
			return nil, err
		}
		if designs[i].Patch, err = patch.Parse(string(text)); err != nil {
			return nil, err
		}
		designs[i].Artifact = a
	}
	return designs, nil
})

// design is what an attack meets: our contracts, or those with one flaw.
type design struct {
	t       *testing.T
	flawed  bool
	instead map[string]*cell.Cell
}

// in puts the flawed code in the place of ours, from now on.
func (d design) in(w *world) {
	w.instead = d.instead
	for a := range w.accounts {
		w.substitute(a)
	}
}

// stops wants tr to be refused with code by our contracts, and to succeed where
// the flaw is. It tells whether it was refused.
func (d design) stops(tr trace, code int32) bool {
	d.t.Helper()
	if d.flawed {
		tr.requireOK(d.t)
		return false
	}
	tr.requireExit(d.t, code)
	return true
}

// attacked runs the attack where the flaw called id is, then on our contracts,
// and returns what it measured on each.
func attacked[T any](t *testing.T, id string, attack func(t *testing.T, d design) T) (flawed, ours T) {
	t.Helper()
	designs, err := flawedDesigns()
	require.NoError(t, err)
	there := design{t: t, flawed: true, instead: map[string]*cell.Cell{}}
	for _, f := range designs {
		if f.flaw() == id {
			there.instead[string(contracts.Code(f.contract()).Hash())] = f.Code
		}
	}
	require.NotEmpty(t, there.instead, "there is no flawed design for %s", id)
	return attack(t, there), attack(t, design{t: t})
}

// A flaw must be one of the contracts as they are: where a source has changed,
// its patch is compiled again, or no longer fits.
func TestFlaws_AreCompiledFromTheSourcesAsTheyAre(t *testing.T) {
	t.Parallel()
	designs, err := flawedDesigns()
	require.NoError(t, err)
	patches, err := filepath.Glob(filepath.Join(flawedDir, "*.patch"))
	require.NoError(t, err)
	require.Len(t, designs, len(patches), "run make contracts")
	sources := os.DirFS("../contracts")
	for _, f := range designs {
		changed, err := f.Apply(sources)
		require.NoError(t, err, f.Name)
		for file, want := range f.Sources {
			text := changed[file]
			if text == nil {
				text, err = os.ReadFile(filepath.Join("../contracts", filepath.FromSlash(file)))
				require.NoError(t, err)
			}
			got := sha256.Sum256(text)
			require.Equal(t, want, hex.EncodeToString(got[:]), "%s has changed since %s was compiled: run make contracts", file, f.Name)
		}
		require.NotEqual(t, contracts.Code(f.contract()).Hash(), f.Code.Hash(), "%s is our own code", f.Name)
	}
}
