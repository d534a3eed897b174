package funcc

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestSources_OneFileHasOneName(t *testing.T) {
	t.Parallel()
	s := newSources(fstest.MapFS{"imports/a.fc": {Data: []byte("a")}})
	for _, name := range []string{"imports/a.fc", "./imports/a.fc", "imports/b/../a.fc"} {
		real, err := s.answer("realpath", name)
		require.NoError(t, err)
		require.Equal(t, "imports/a.fc", real)
		text, err := s.answer("source", name)
		require.NoError(t, err)
		require.Equal(t, "a", text)
	}
	require.Len(t, s.read, 1)
	_, err := s.answer("write", "imports/a.fc")
	require.ErrorContains(t, err, `unknown "write"`)
}

func FuzzSources_StayInside(f *testing.F) {
	for _, seed := range []string{"a.fc", "../a.fc", "/a.fc", "a/../../b.fc", `..\a.fc`, "", "."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		real, err := newSources(nil).realpath(name)
		if err == nil {
			require.True(t, fs.ValidPath(real), real)
		}
	})
}

func TestSources_HintFindsTheWordOfTheAssembler(t *testing.T) {
	t.Parallel()
	s := sources{read: map[string][]byte{
		"b.fc": []byte("int g() asm \"2 NOP*\";\n"),
		"a.fc": []byte(";; NOP* and NOP*X\n\n  int f() asm \"NOP*\";"),
		"c.fc": []byte("NOP*X"),
	}}
	require.Equal(t, "\na.fc:1: ;; NOP* and NOP*X\na.fc:3: int f() asm \"NOP*\";\nb.fc:1: int g() asm \"2 NOP*\";", s.hint("main.fif:7:\tNOP*:-?"))
	require.Empty(t, s.hint("main.fif:7:\tOTHER:-?"))
	require.Empty(t, s.hint("a.fc:1:1: error: NOP*"))
}

func FuzzHint(f *testing.F) {
	f.Add("main.fif:7:\tNOSUCH:-?", []byte("int f() asm \"NOSUCH\";"))
	f.Add("main.fif:7: \xff(:", []byte("("))
	f.Fuzz(func(t *testing.T, message string, text []byte) {
		s := sources{read: map[string][]byte{"a.fc": text}}
		if hint := s.hint(message); hint != "" {
			require.Contains(t, hint, "\na.fc:")
		}
	})
}
