package wrappers

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/internal/tsgen"
)

var update = flag.Bool("update", false, "renew the TypeScript face and its test vectors")

// tsOptions are what the schema does not say.
var tsOptions = tsgen.Options{
	Head:     "Generated from contracts/ by make wrappers-ts. Not to be edited.",
	Messages: "Msg",
	// The provider's and the owner's word: whoever reads it must be ready for
	// anything, and nothing else may become unreadable by it.
	Opaque:   []string{"worker_entry.record"},
	Defaults: []string{"query_id", "response"},
}

// wallet takes messages as the contracts do.
const wallet = "wallet"

// requireGenerated compares a committed file with what it should be, or writes it.
func requireGenerated(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, string(got) == want, "%s is out of date: run make wrappers-ts", file)
}

func typeScriptHasEachLayout(t *testing.T) {
	t.Helper()
	t.Parallel()
	receivers := append(tsContracts(), tsgen.Contract{Name: wallet, Groups: []string{"AnyMsg"}})
	want, err := tsgen.Schema(readSchema(t), receivers, tsOptions)
	require.NoError(t, err)
	requireGenerated(t, "ts/src/schema_gen.ts", want)
}

func TestTypeScript_SendsWhatTheSchemaLetsOutsidersSend(t *testing.T) {
	t.Parallel()
	want, err := tsgen.Messages(readSchema(t), tsContracts(), tsOptions)
	require.NoError(t, err)
	requireGenerated(t, "ts/src/messages_gen.ts", want)
}

// tsContracts are the contracts and their messages, by name.
func tsContracts() (all []tsgen.Contract) {
	for _, a := range contracts.All() {
		all = append(all, tsgen.Contract{Name: a.Name, Groups: messageGroups[Kind(a.Name)]})
	}
	return all
}

func TestTypeScript_CarriesTheCompiledCode(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	fmt.Fprintf(&b, "/** %s */\n\n/** The compiled contracts: hash in hex, BoC in base64. */\nexport const code = {\n", tsOptions.Head)
	for _, a := range contracts.All() {
		fmt.Fprintf(&b, "    %s: {\n        hash: '%s',\n        boc: '%s',\n    },\n", a.Name, a.CodeHash, base64.StdEncoding.EncodeToString(a.BoC))
	}
	b.WriteString("} as const;\n")
	requireGenerated(t, "ts/src/code_gen.ts", b.String())
}

func TestTypeScript_NamesTheExitCodes(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../contracts/imports/errors.fc")
	require.NoError(t, err)
	var b strings.Builder
	fmt.Fprintf(&b, "/** %s */\n\n/** Exit codes of the contracts: 4xx who, 5xx money, 6xx order. */\nexport const ExitCode = {\n", tsOptions.Head)
	found := regexp.MustCompile(`(?m)^const int error::(\w+) = (\w+);(?: ;; (.*))?$`).FindAllStringSubmatch(string(src), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		if m[3] != "" {
			fmt.Fprintf(&b, "    /** %s */\n", m[3])
		}
		fmt.Fprintf(&b, "    %s: %s,\n", tsgen.Camel(m[1]), m[2])
	}
	b.WriteString("} as const;\n")
	requireGenerated(t, "ts/src/errors_gen.ts", b.String())
}

// Get-methods are written by hand; this finds the one that was forgotten.
func TestTypeScript_AsksEveryGetMethod(t *testing.T) {
	t.Parallel()
	method := regexp.MustCompile(`(?m)^(?:\([^)]*\)|int|cell|slice) (\w+)\([^)]*\) method_id|^ *get fun (\w+)\(`)
	for _, a := range contracts.All() {
		files, err := filepath.Glob("../contracts/" + a.Name + ".*")
		require.NoError(t, err)
		require.Len(t, files, 1)
		src, err := os.ReadFile(files[0])
		require.NoError(t, err)
		class, err := os.ReadFile("ts/src/" + tsgen.Pascal(a.Name) + ".ts")
		require.NoError(t, err)
		found := method.FindAllStringSubmatch(string(src), -1)
		require.Equal(t, strings.Count(string(src), "method_id")+strings.Count(string(src), "get fun "), len(found), "%s: a get-method this test cannot read", a.Name)
		for _, m := range found {
			require.True(t, strings.Contains(string(class), "'"+m[1]+m[2]+"'"), "%s has no %s", a.Name, m[1]+m[2])
		}
	}
}

func TestTypeScript_ReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("ts/README.md")
	require.NoError(t, err)
	example, err := os.ReadFile("ts/examples/channel.ts")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```ts\n"+string(example)+"```\n")
}

func TestTypeScript_PinsItsPackagesAndNoHost(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("ts/package-lock.json")
	require.NoError(t, err)
	require.NotContains(t, string(raw), `"resolved"`)
	var lock struct {
		Packages map[string]struct {
			Version, Integrity            string
			Dependencies, DevDependencies map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &lock))
	for name, p := range lock.Packages {
		require.True(t, name == "" || p.Version != "" && strings.HasPrefix(p.Integrity, "sha512-"), "%s is not pinned", name)
	}
	ours := lock.Packages[""]
	require.Len(t, ours.Dependencies, 2)
	maps.Copy(ours.Dependencies, ours.DevDependencies)
	for name, version := range ours.Dependencies {
		require.Equal(t, lock.Packages["node_modules/"+name].Version, version, "package.json asks for an exact version of %s", name)
	}
}
