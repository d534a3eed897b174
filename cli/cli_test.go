package cli

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/examples"
)

var update = flag.Bool("update", false, "renew golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cocoon": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }})
}

// TestScripts runs testdata, which is written to be read as a manual.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(5 * time.Minute), // a command that hangs fails
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"$": runs, "refused": refused, "start": start, "halt": halt, "until": until, "says": says, "field": field,
			"answers": answers, "story": story, "sentlike": sentLike, "newer": newer, "private": private, "edit": edit, "flip": flip, "download": download, "ask": ask,
		},
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("COCOON_HOME", home)
			e.Setenv("TMPDIR", e.WorkDir)
			e.Values[servicesKey] = map[string]*service{}
			e.Values[varsKey] = e
			return os.WriteFile(filepath.Join(e.WorkDir, "batch.jsonl"), examples.Batch, 0o600)
		},
	})
}

func TestHelp_ScreensAreAsPromised(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		args := slices.Concat(strings.Fields(c.CommandPath())[1:], []string{"--help"})
		out.WriteString("$ cocoon " + strings.Join(args, " ") + "\n\n")
		require.Zero(t, Main(args, strings.NewReader(""), &out, &out))
		out.WriteString("\n\n")
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && !sub.Hidden {
				visit(sub)
			}
		}
	}
	visit(newRoot(&env{}))
	golden := filepath.Join("testdata", "help.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "renew with: go test ./cli -run TestHelp -update")
}

func TestReadme_CommandsAreOnesThereAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, " #")
		for _, command := range strings.Split(line, "&&") {
			args := words(strings.TrimSuffix(strings.TrimSpace(command), "&"))
			if len(args) < 2 || args[0] != "cocoon" {
				continue
			}
			seen++
			c, rest, err := newRoot(&env{}).Find(args[1:])
			require.NoError(t, err, command)
			require.NoError(t, c.ParseFlags(rest), command)
			require.NoError(t, c.ValidateArgs(c.Flags().Args()), command)
		}
	}
	require.Greater(t, seen, 10, "README.md shows the commands of a network of one's own")
}

// TestDocs_CommandsAreOnesThereAre holds what somebody in need is told to do.
func TestDocs_CommandsAreOnesThereAre(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("`(cocoon [^`]+)`")
	runbook := func(name string) string { return filepath.Join("runbook", name) }
	for file, least := range map[string]int{"security.md": 25, runbook("keys.md"): 20, runbook("dispatcher.md"): 12, runbook("indexer.md"): 1, runbook("stuck-flows.md"): 1} {
		text, err := os.ReadFile(filepath.Join("..", "docs", file))
		require.NoError(t, err)
		found := quoted.FindAllStringSubmatch(string(text), -1)
		require.GreaterOrEqual(t, len(found), least, file)
		for _, f := range found {
			c, rest, err := newRoot(&env{}).Find(words(f[1])[1:])
			require.NoError(t, err, f[1])
			require.False(t, c.HasSubCommands(), "%s: %s does nothing", file, f[1])
			err = c.ParseFlags(rest)
			if named := (*pflag.ValueRequiredError)(nil); errors.As(err, &named) {
				continue // a flag is meant
			}
			require.NoError(t, err, f[1])
			if len(rest) > 0 { // else the command is named, not given
				require.NoError(t, c.ValidateArgs(c.Flags().Args()), f[1])
			}
		}
	}
}

// words splits a command line; double quotes keep a word together.
func words(line string) (list []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}
