package sandboxtests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testsOf are the names of all tests and fuzz targets of the module.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	form := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(file)
		for _, m := range form.FindAllStringSubmatch(string(src), -1) {
			names[m[1]] = true
		}
		return err
	}))
	return names
}

// Documents that name tests as their proof name tests that there are.
func TestDocs_NameTestsThatThereAre(t *testing.T) {
	t.Parallel()
	known := testsOf(t)
	named := 0
	for _, pattern := range []string{"../docs/contracts/*.md", "../docs/runbook/*.md", "../docs/decisions/*.md", "../docs/performance.md"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*_\w+`).FindAllString(string(text), -1) {
				require.True(t, known[name], "%s names %s, which no file has", file, name)
				named++
			}
		}
	}
	require.Greater(t, named, 100)
}

// Every invariant of the protocol and every item of the security checklist has
// a line with at least one test.
func TestDocs_EachInvariantAndChecklistItemHasATest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/contracts/invariants.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| ([IS]\d+) \| [^|]+ \| ([^|]+) \|$`)
	proven := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, proven, m[1], "twice")
		proven[m[1]] = m[2]
	}
	for prefix, n := range map[string]int{"I": 10, "S": 36} {
		for i := range n {
			id := fmt.Sprint(prefix, i+1)
			require.Regexp(t, `\b(Test|Fuzz)[A-Z]\w*_\w+`, proven[id], "%s has no test", id)
		}
	}
	require.Len(t, proven, 46)
}

// Flaws of the review that no contract can prevent are told.
func TestDocs_PeculiaritiesTellWhatNoContractPrevents(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/contracts/peculiarities.md")
	require.NoError(t, err)
	for _, id := range []string{"M14", "M15", "M16", "M17", "M18", "M20"} {
		require.Contains(t, string(text), "("+id+")")
	}
}
