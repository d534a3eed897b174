package sandboxtests

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	goldenGas       = "testdata/gas.json"       // gas by operation
	goldenConstants = "testdata/constants.json" // what each constant has to cover
)

var (
	update = flag.Bool("update", false, "renew the golden files, and the constants and the page made from them")
	// A constant that is too small makes the operation fail that would measure it.
	slack = flag.Int64("slack", 1, "with -update: how many times the gas that was measured the constants allow, so that everything can be measured")
)

// bound is what a constant has to cover: the most that was measured, and where.
type bound struct {
	Measured int64  `json:"measured"`
	Test     string `json:"test"`
}

// pageGas is what a page of Count leaves used.
type pageGas struct{ Count, Gas int64 }

// measured collects figures while golden files are renewed.
var measured = struct {
	sync.Mutex
	gas       map[string]int64
	constants map[string]bound
	pages     map[string][]pageGas // by operation
	pageTest  map[string]string
}{gas: map[string]int64{}, constants: map[string]bound{}, pages: map[string][]pageGas{}, pageTest: map[string]string{}}

// requireGas compares what an operation used with the golden file.
func requireGas(t *testing.T, operation string, gas int64) {
	t.Helper()
	if *mutant != "" {
		return
	}
	if *update {
		measured.Lock()
		defer measured.Unlock()
		measured.gas[operation] = gas
		return
	}
	want, ok := readGolden(t).gas[operation]
	require.True(t, ok, "%s is not in %s: run make gas", operation, goldenGas)
	require.Equal(t, want, gas, "gas of %s changed: run make gas and look at the difference", operation)
}

// requireGasConstant wants gas::name of imports/gas.fc to cover what was
// measured, and not by more than a tenth.
func requireGasConstant(t *testing.T, name string, gas int64) {
	t.Helper()
	requireConstant(t, "gas::"+name, gas)
}

// requireConstant does the same for any constant there: gas, cells or bits.
func requireConstant(t *testing.T, name string, most int64) {
	t.Helper()
	noteConstant(name, bound{most, t.Name()})
	if *update || *mutant != "" {
		return
	}
	constant := constantOf(t, name)
	require.GreaterOrEqual(t, constant, most, "%s is too small: run make gas", name)
	require.LessOrEqual(t, constant, most+most/10+100, "%s is too large: run make gas", name)
}

func noteConstant(name string, b bound) {
	measured.Lock()
	defer measured.Unlock()
	if old, known := measured.constants[name]; !known || b.Measured > old.Measured || b.Measured == old.Measured && b.Test < old.Test {
		measured.constants[name] = b
	}
}

// requirePageGas wants gas::operation and count times gas::operation_leaf to cover
// a page of count leaves, and a full page not by more than a tenth.
func requirePageGas(t *testing.T, operation string, count, full int, gas int64) {
	t.Helper()
	notePage(t, operation, pageGas{int64(count), gas})
	if *update || *mutant != "" {
		return
	}
	price := constantOf(t, "gas::"+operation) + int64(count)*constantOf(t, "gas::"+operation+"_leaf")
	require.GreaterOrEqual(t, price, gas, "gas of a page of %d for %s", count, operation)
	if count == full {
		require.LessOrEqual(t, price, gas+gas/10, "gas of a page of %d for %s", count, operation)
	}
}

func notePage(t *testing.T, operation string, p pageGas) {
	measured.Lock()
	defer measured.Unlock()
	measured.pages[operation] = append(measured.pages[operation], p)
	measured.pageTest[operation] = t.Name()
}

// linePages turns the pages into a base and so much a leaf that cover them all.
func linePages(operation string, pages []pageGas, test string) {
	first, last := pages[0], pages[0]
	for _, p := range pages {
		if p.Count < first.Count {
			first = p
		}
		if p.Count > last.Count || p.Count == last.Count && p.Gas > last.Gas {
			last = p
		}
	}
	leaf := rounded("gas::"+operation+"_leaf", (last.Gas-first.Gas+last.Count-first.Count-1)/(last.Count-first.Count))
	var base int64
	for _, p := range pages {
		base = max(base, p.Gas-p.Count*leaf)
	}
	noteConstant("gas::"+operation, bound{base, test})
	noteConstant("gas::"+operation+"_leaf", bound{leaf, test})
}

// golden is what the golden files hold.
type golden struct {
	gas       map[string]int64
	constants map[string]bound
}

var readGoldenOnce = sync.OnceValues(func() (g golden, err error) {
	if err = readJSON(goldenGas, &g.gas); err == nil {
		err = readJSON(goldenConstants, &g.constants)
	}
	return g, err
})

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func readGolden(t *testing.T) golden {
	t.Helper()
	g, err := readGoldenOnce()
	require.NoError(t, err)
	return g
}

var constantForm = regexp.MustCompile(`const (?:int ([\w:]+)|(\w+): Int) = (\d+);`)

// constants are those of the sources: what is measured, and the limits that fees name.
var constants = sync.OnceValues(func() (map[string]int64, error) {
	all := map[string]int64{}
	for _, file := range []string{funcConstants, tactConstants, "../contracts/imports/fees.fc", "../contracts/registry.tact"} {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range constantForm.FindAllStringSubmatch(string(b), -1) {
			if all[m[1]+m[2]], err = strconv.ParseInt(m[3], 10, 64); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
})

// constantOf reads a constant of the contracts' sources.
func constantOf(t rapid.TB, name string) int64 {
	t.Helper()
	all, err := constants()
	require.NoError(t, err)
	require.Contains(t, all, name, "%s is in no source", name)
	if *mutant != "" && strings.HasPrefix(name, "gas::") {
		return generous(all[name])
	}
	return all[name]
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *mutant != "" {
		if err := takeMutants(*mutant); err != nil {
			fmt.Fprintln(os.Stderr, "take the mutant:", err)
			os.Exit(exitNoMutants)
		}
	}
	seedProperties()
	code := m.Run()
	if whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""; code == 0 && whole && !*update {
		if err := checkConstants(); err != nil {
			fmt.Fprintln(os.Stderr, "constants of gas:", err)
			code = 1
		}
	}
	if *update { // also where a test failed: a constant that is too small makes others fail
		if err := writeGolden(); err != nil {
			fmt.Fprintln(os.Stderr, "renew golden gas:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// checkConstants wants every constant to be what all tests together measured:
// one that covers more than anything needs makes callers pay for nothing.
func checkConstants() error {
	g, err := readGoldenOnce()
	if err != nil {
		return err
	}
	for operation, pages := range measured.pages {
		linePages(operation, pages, measured.pageTest[operation])
	}
	for name, c := range g.constants {
		if most := measured.constants[name].Measured; c.Measured > most+most/10+100 {
			return fmt.Errorf("%s covers %d, but no test measured more than %d: run make gas", name, c.Measured, most)
		}
	}
	return nil
}

// writeGolden puts what was measured in the place of what was known.
func writeGolden() error {
	g, err := readGoldenOnce()
	if err != nil {
		return err
	}
	for operation, pages := range measured.pages {
		linePages(operation, pages, measured.pageTest[operation])
	}
	maps.Copy(g.gas, measured.gas)
	maps.Copy(g.constants, measured.constants)
	if err := writeJSON(goldenGas, g.gas); err != nil {
		return err
	}
	if err := writeJSON(goldenConstants, g.constants); err != nil {
		return err
	}
	for file, text := range g.generated() {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

func (g golden) operations() []string { return slices.Sorted(maps.Keys(g.gas)) }
