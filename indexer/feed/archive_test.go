package feed

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

func TestFeed_AsksOthersForWhatAFastServerNoLongerKeeps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	grow := func(keep int) *localnet.Chain {
		local := localnet.New(t, func(c *localnet.Config) {
			c.Manual, c.Keep, c.Seed = true, keep, []byte("twins")
			c.Genesis, c.Clock = now.Add(-time.Hour), func() time.Time { return now }
		})
		for range 400 {
			require.NoError(t, local.Mine())
		}
		return local
	}
	archive, pruned := grow(0), grow(30)
	require.Equal(t, archive.Head(), pruned.Head())
	deep, err := archive.Serve(localnet.Faults{Latency: 3 * time.Millisecond})
	require.NoError(t, err)
	n, err := chain.ParseNetwork(archive.ConfigOf(pruned.Server(), deep))
	require.NoError(t, err)
	c, err := chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	before := pruned.Server().Stats().Total()
	f := open(t, c, Config{})
	require.Equal(t, plainly(t, archive), names(drain(t, f, Position{}, archive.Head().SeqNo)))
	f.Stop()
	status := c.Status()[0]
	require.Equal(t, chain.Good, status.State, "to keep little is no fault")
	require.Greater(t, status.Oldest, uint32(300))
	require.Less(t, pruned.Server().Stats().Total()-before, 300, "it is not asked for every block")
	t.Logf("pruned server asked %d times, archive %d", pruned.Server().Stats().Total(), deep.Stats().Total())
}
