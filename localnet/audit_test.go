package localnet

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/localnet/audit"
)

// requireAudited has every block of a chain judged by somebody who does not know
// how it was made.
func requireAudited(t testing.TB, c *Chain, options ...audit.Option) {
	t.Helper()
	_, err := audit.Follow(c.Block, c.Head(), options...)
	require.NoError(t, err)
}
