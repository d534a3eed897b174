package cocoon

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestError_KindAndHintSurviveWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial: refused")
	err := fmt.Errorf("open market: %w", WithHint(Unreachable.Errorf("reach liteserver: %w", cause), "is localnet running"))
	require.ErrorIs(t, err, cause)
	require.Equal(t, Unreachable, KindOf(err))
	require.Equal(t, "is localnet running", HintOf(err))
	require.Equal(t, "open market: reach liteserver: dial: refused", err.Error())
	require.Equal(t, Internal, KindOf(cause))
	require.Empty(t, HintOf(cause))
}

func TestKind_HasOneExitCodeAndOneStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind][2]int{Internal: {1, 500}, Invalid: {2, 400}, NotFound: {1, 404},
		Forbidden: {1, 403}, Conflict: {1, 409}, NoMoney: {3, 402}, Unreachable: {4, 503}} {
		require.Equal(t, want, [2]int{kind.ExitCode(), kind.HTTPStatus()})
	}
}
