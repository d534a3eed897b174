package sandboxtests

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdict is what is wrong with a scenario, given how it differs, if it does, and
// the reasons of those that may.
func verdict(name string, difference error, exceptions map[string]string) error {
	reason, listed := exceptions[name]
	switch {
	case difference != nil && reason == "":
		return fmt.Errorf("%s differs and is not listed: %w", name, difference)
	case difference == nil && listed:
		return fmt.Errorf("%s is listed and does not differ: take it off", name)
	}
	return nil
}

func TestScenarios_ExceptionsAreExact(t *testing.T) {
	t.Parallel()
	differs := errors.New("differs")
	require.NoError(t, verdict("a", nil, nil))
	require.NoError(t, verdict("a", differs, map[string]string{"a": "why"}))
	require.ErrorContains(t, verdict("a", differs, nil), "not listed")
	require.ErrorContains(t, verdict("a", differs, map[string]string{"a": ""}), "not listed")
	require.ErrorContains(t, verdict("b", nil, map[string]string{"b": "why"}), "take it off")
}
