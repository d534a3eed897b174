package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Tokens of GPUs count only where as many are claimed.
func TestKeys_ClaimsNameTheGPUsThatWereFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gpus = 8
	_, e := w.start().evidence()
	require.EqualValues(t, 8, e.Claims.GPUs)
}
