package tsgen

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/schema"
)

var update = flag.Bool("update", false, "renew the golden files")

var toyOptions = Options{Head: "Generated from toy.tlb.", Messages: "Msg", Opaque: []string{"open.seal"}, Defaults: []string{"query_id"}}

func requireGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestToy_IsWrittenAsItsGoldenFiles(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/toy.tlb")
	require.NoError(t, err)
	all, err := schema.Parse(string(src))
	require.NoError(t, err)
	shop := []Contract{{Name: "shop", Groups: []string{"Msg"}}}
	got, err := Schema(all, shop, toyOptions)
	require.NoError(t, err)
	requireGolden(t, "testdata/toy_schema.ts", got)
	got, err = Messages(all, shop, toyOptions)
	require.NoError(t, err)
	requireGolden(t, "testdata/toy_messages.ts", got)
}

func TestSchema_RefusesWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"a#_ bits:bits9 = A;":               "9 bits are no bytes",
		"a#_ list:(HashmapE 33 Coins) = A;": "no key of 33 bits",
		"a#_ sum:^Coins = A;":               "a reference leads to a cell or to what is declared",
		"a#_ sum:(Maybe Coins) = A;":        "only a reference may be absent",
		"a#_ all:^^Cell = A;":               "a reference leads to a cell or to what is declared",
		"a#_ = A;":                          "a has neither a tag nor fields",
		"b#2a = A;\nc$1 = A;":               "the tags of A are not of one width",
		"a$0 = A;\nb$1 = A;":                "A is a type of several constructors and one of them",
	} {
		all, err := schema.Parse(line)
		require.NoError(t, err)
		_, err = Schema(all, nil, Options{Messages: "Msg"})
		require.ErrorContains(t, err, want)
	}
	all, err := schema.Parse("a#_ sum:Coins = A;")
	require.NoError(t, err)
	_, err = Schema(all, nil, Options{Messages: "Msg", Opaque: []string{"a.sum"}})
	require.ErrorContains(t, err, "a.sum is no reference")
	_, err = Schema(all, nil, Options{Messages: "Msg", Opaque: []string{"a.cell"}})
	require.ErrorContains(t, err, "no field a.cell")
	_, err = Messages(all, []Contract{{Name: "a", Groups: []string{"AMsg"}}}, Options{})
	require.ErrorContains(t, err, "a takes AMsg, which is not declared")
}

func TestFromOutside_IsReadOffTheComment(t *testing.T) {
	t.Parallel()
	contracts := []Contract{{Name: "shop"}, {Name: "bank"}}
	for doc, want := range map[string]bool{
		"Anyone.":                              true,
		"Anyone with a receipt of the shop.":   true,
		"Owner. Consents to the bank's terms.": true,
		"Client, until a shop has accepted.":   true,
		"A shop, when it sells.":               false,
		"Bank, while it is awaited.":           false,
		"A bank or a shop; else it is a gift.": false,
		"The bank at (codes[code], index).":    false,
	} {
		require.Equal(t, want, FromOutside(schema.Declaration{Doc: []string{doc}}, contracts), doc)
	}
	require.True(t, FromOutside(schema.Declaration{}, contracts))
}
