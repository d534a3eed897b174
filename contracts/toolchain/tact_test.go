package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTactMessage_IsFreeOfTheCompilersStack(t *testing.T) {
	t.Parallel()
	said := "Tact compilation failed\nError: a.tact:1:10: Expected identifier\n> 1 | contract { \n               ^\n\n" +
		"    at parse (grammar.js:897:19)\n    at build (build.js:58:43)\n"
	require.Equal(t, "a.tact:1:10: Expected identifier\n> 1 | contract {\n               ^", tactMessage([]byte(said)))
}

func TestParseTactPkg_RefusesWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{`: "decode Tact's package",
		`{"name":"A","sources":{"a.tact":"QQ=="}}`:                  `package of "A" has no code`,
		`{"name":"A","code":"te6c"}`:                                `package of "A" has no code or no sources`,
		`{"name":"A","code":"te6c","sources":{"../a.tact":"QQ=="}}`: "source outside the folder",
		`{"name":"A","code":"?","sources":{"a.tact":"QQ=="}}`:       "illegal base64 data",
	} {
		_, err := parseTactPkg([]byte(text))
		require.ErrorContains(t, err, want)
	}
	pkg, err := parseTactPkg([]byte(`{"name":"A","code":"te6c","abi":"{}","sources":{"a.tact":"QQ=="}}`))
	require.NoError(t, err)
	require.Equal(t, tactPkg{Name: "A", Code: []byte("\xb5\xee\x9c"), Sources: map[string][]byte{"a.tact": []byte("A")}}, pkg)
}

func FuzzParseTactPkg(f *testing.F) {
	f.Add([]byte(`{"name":"A","code":"te6c","sources":{"a.tact":"QQ=="}}`))
	f.Add([]byte(`{"code":"te6c","sources":{"../a":""}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pkg, err := parseTactPkg(raw)
		for name := range pkg.Sources {
			require.NoError(t, err)
			require.True(t, fs.ValidPath(name))
		}
	})
}

func FuzzTactMessage(f *testing.F) {
	f.Add([]byte("Error: a.tact:1:1: no\n    at x (y.js)\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		require.NotContains(t, "\n"+tactMessage(said), "\n    at ")
		require.LessOrEqual(t, strings.Count(tactMessage(said), "\n"), len(said))
	})
}
