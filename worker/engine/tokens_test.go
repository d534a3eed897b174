package engine

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokens_FollowTheDocument(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "",
		" \n\t":            "",
		"What's 2+2, Zoë?": "What ' s 2 + 2 , Zoë ?",
		"abc123 déjà":      "abc123 déjà",
		"你好, мир!":         "你好 , мир !",
		"a_b":              "a _ b",
		"\xff\xfea":        "\xff \xfe a",
		"👍🏽":               "👍 🏽",
	} {
		var got []string
		for _, p := range pieces(text) {
			got = append(got, strings.TrimSpace(p))
		}
		require.Equal(t, want, strings.Join(got, " "), "%q", text)
		require.Equal(t, strings.TrimRight(text, " \n\t"), strings.Join(pieces(text), ""))
	}
	doc, err := os.ReadFile("../../docs/protocol/tokens.md")
	require.NoError(t, err)
	require.Contains(t, string(doc), "`What's 2+2, Zoë?` has 9")
	require.Contains(t, string(doc), "without either it is 128")
	require.Equal(t, 128, defaultTokens)
}

func FuzzPieces(f *testing.F) {
	f.Add("What's 2+2, Zoë?")
	f.Fuzz(func(t *testing.T, text string) {
		all := pieces(text)
		joined := strings.Join(all, "")
		require.True(t, strings.HasPrefix(text, joined))
		require.Len(t, pieces(joined), len(all))
	})
}
