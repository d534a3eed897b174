package patch

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const song = "one\ntwo\n\nthree\ntwo\n"

func TestApply_ChangesWhatFitsOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ diff, want string }{
		"the first line":     {"@@\n-one\n+eins\n", "eins\ntwo\n\nthree\ntwo\n"},
		"the last line":      {"@@\n three\n-two\n", "one\ntwo\n\nthree\n"},
		"an empty line":      {"@@\n two\n\n+and\n three\n", "one\ntwo\n\nand\nthree\ntwo\n"},
		"two places":         {"@@ -1 +1 @@\n-one\n+a\n@@\n-three\n+b\n", "a\ntwo\n\nb\ntwo\n"},
		"what was put there": {"@@\n-one\n+a\n@@\n-a\n+b\n", "b\ntwo\n\nthree\ntwo\n"},
	} {
		p, err := Parse("Why it\n changes.\n\n--- song\n" + c.diff)
		require.NoError(t, err, name)
		require.Equal(t, "Why it changes.", p.Note)
		got, err := p.Apply(fstest.MapFS{"song": {Data: []byte(song)}})
		require.NoError(t, err, name)
		require.Equal(t, map[string][]byte{"song": []byte(c.want)}, got, name)
	}
}

func TestApply_RefusesWhatDoesNotFitOnce(t *testing.T) {
	t.Parallel()
	for diff, want := range map[string]string{
		"@@\n-two\n+zwei\n":          "change song: hunk 1 fits more than once",
		"@@\n-tw\n+zw\n":             "change song: hunk 1 does not fit",
		"@@\n-wo\n":                  "change song: hunk 1 does not fit",
		"@@\n-one\n@@\n-one\n+uno\n": "change song: hunk 2 does not fit",
	} {
		p, err := Parse("--- song\n" + diff)
		require.NoError(t, err)
		_, err = p.Apply(fstest.MapFS{"song": {Data: []byte(song)}})
		require.ErrorContains(t, err, want)
	}
	p, err := Parse("--- other\n@@\n-one\n")
	require.NoError(t, err)
	_, err = p.Apply(fstest.MapFS{"song": {Data: []byte(song)}})
	require.ErrorContains(t, err, "other")
}

func TestParse_RefusesWhatIsNoDiff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "changes no file",
		"only a note\n":           "changes no file",
		"--- song\n":              "changes nothing in song",
		"--- song\n-one\n":        "line 2: a change belongs below @@",
		"--- song\n@@\n+one\n":    "stands nowhere",
		"--- song\n@@\n one\n":    "changes nothing",
		"--- song\n@@\none\n":     `"one" begins with no space`,
		"--- ../song\n@@\n-one\n": "is no file's name",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("note\n--- song\n@@\n-one\n+two\n", song)
	f.Fuzz(func(t *testing.T, diff, text string) {
		p, err := Parse(diff)
		if err != nil {
			return
		}
		files := fstest.MapFS{}
		for _, file := range p.Files {
			files[file.Name] = &fstest.MapFile{Data: []byte(text)}
		}
		changed, err := p.Apply(files)
		if err == nil && len(p.Files) == 1 && len(p.Files[0].Hunks) == 1 {
			h := p.Files[0].Hunks[0]
			require.Equal(t, len(text)+len(h.New)-len(h.Old), len(changed[p.Files[0].Name]))
			require.True(t, strings.Contains(text, h.Old))
		}
	})
}
