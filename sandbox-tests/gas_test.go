package sandboxtests

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const goldenGas = "testdata/gas.json"

var update = flag.Bool("update", false, "renew the golden files")

// measured collects gas by operation; the golden file holds one line for each.
var measured = struct {
	sync.Mutex
	gas map[string]int64
}{gas: map[string]int64{}}

// requireGas compares what an operation used with the golden file.
func requireGas(t *testing.T, operation string, gas int64) {
	t.Helper()
	if *update {
		measured.Lock()
		defer measured.Unlock()
		measured.gas[operation] = gas
		return
	}
	want, ok := readGolden(t)[operation]
	require.True(t, ok, "%s is not in %s: run go test ./sandbox-tests -update", operation, goldenGas)
	require.Equal(t, want, gas, "gas of %s changed: run go test ./sandbox-tests -update and look at the difference", operation)
}

var readGoldenOnce = sync.OnceValues(func() (golden map[string]int64, err error) {
	b, err := os.ReadFile(goldenGas)
	if err == nil {
		err = json.Unmarshal(b, &golden)
	}
	return golden, err
})

func readGolden(t *testing.T) map[string]int64 {
	t.Helper()
	golden, err := readGoldenOnce()
	require.NoError(t, err)
	return golden
}

// requireGasConstant wants gas::name of imports/gas.fc to cover what was
// measured, and not by more than a tenth.
func requireGasConstant(t *testing.T, name string, gas int64) {
	t.Helper()
	requireConstant(t, "gas::"+name, gas)
}

// requireConstant does the same for any constant there: gas, cells or bits.
func requireConstant(t *testing.T, name string, measured int64) {
	t.Helper()
	constant := constantOf(t, name)
	require.GreaterOrEqual(t, constant, measured, "%s is too small", name)
	require.LessOrEqual(t, constant, measured+measured/10+100, "%s is too large", name)
}

// constantOf reads a constant of imports/gas.fc.
func constantOf(t *testing.T, name string) int64 {
	t.Helper()
	src, err := os.ReadFile("../contracts/imports/gas.fc")
	require.NoError(t, err)
	m := regexp.MustCompile(`const int ` + name + ` = (\d+);`).FindSubmatch(src)
	require.NotNil(t, m, "%s is not in imports/gas.fc", name)
	constant, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return constant
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && *update {
		if err := writeGolden(); err != nil {
			fmt.Fprintln(os.Stderr, "renew golden gas:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func writeGolden() error {
	golden := map[string]int64{}
	if b, err := os.ReadFile(goldenGas); err == nil {
		if err = json.Unmarshal(b, &golden); err != nil {
			return err
		}
	}
	for operation, gas := range measured.gas {
		golden[operation] = gas
	}
	b, err := json.MarshalIndent(golden, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(goldenGas, append(b, '\n'), 0o644)
}
