package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func FuzzParseModel(f *testing.F) {
	for _, s := range []string{"Qwen/Qwen3-32B=50/60", "a=1/2", "=1/2", "a", "a=1", "a=/", "a=b=1/2", "a=-1/2", "a=1/99999999999999999999999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseModel(s)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.NotEqual(t, cocoon.NewModelID(""), m.Model, "a model has a name")
		require.Equal(t, m.Price.Prompt, m.Price.Cached)
		require.Equal(t, m.Price.Completion, m.Price.Reasoning)
	})
}
