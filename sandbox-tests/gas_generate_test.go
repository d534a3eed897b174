package sandboxtests

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is made from the golden files.
const (
	funcConstants = "../contracts/imports/gas.fc"
	tactConstants = "../contracts/imports/gas.tact"
	gasPage       = "../docs/contracts/gas.md"
)

func (g golden) generated() map[string]string {
	return map[string]string{
		funcConstants: g.constantsFile(";;", "gas, cells and bits, never money: fees follow the live config.", funcConstant),
		tactConstants: g.constantsFile("//", "gas, cells and bits of the registry, never money.", tactConstant),
		gasPage:       g.page(),
	}
}

// rounded is the constant that covers what was measured: cells as they are, a
// leaf's gas up to the next ten, everything else up to the next hundred.
func rounded(name string, measured int64) int64 {
	step := int64(100)
	switch {
	case strings.HasPrefix(strings.ToLower(name), "cells"):
		step = 1
	case strings.HasSuffix(name, "_leaf") || strings.HasSuffix(name, "_word"):
		step = 10
	}
	return (measured + step - 1) / step * step
}

// inTact tells the registry's constants, which are in capitals.
func inTact(name string) bool { return name == strings.ToUpper(name) }

func funcConstant(name string, value int64) string {
	if inTact(name) {
		return ""
	}
	return fmt.Sprintf("const int %s = %d;", name, value)
}

func tactConstant(name string, value int64) string {
	if !inTact(name) {
		return ""
	}
	return fmt.Sprintf("const %s: Int = %d;", name, value)
}

// constantsFile declares every constant in one language, beside the figure that
// it covers and the test that measured it.
func (g golden) constantsFile(comment, what string, declare func(string, int64) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s Made by `make gas` from what the tests beside the figures measured: %s\n\n", comment, what)
	for _, name := range slices.Sorted(maps.Keys(g.constants)) {
		c := g.constants[name]
		value := rounded(name, c.Measured)
		if strings.HasPrefix(strings.ToLower(name), "gas") {
			value *= *slack
		}
		if line := declare(name, value); line != "" {
			fmt.Fprintf(&b, "%s %s %d, %s\n", line, comment, c.Measured, c.Test)
		}
	}
	return b.String()
}

func TestGas_GeneratedFilesAreMadeFromWhatWasMeasured(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("they are being renewed")
	}
	for file, want := range readGolden(t).generated() {
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(got), "%s: run make gas", file)
	}
}
