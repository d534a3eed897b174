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
