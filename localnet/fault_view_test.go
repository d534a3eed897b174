package localnet

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
)

// fork is a chain that began as another did and went on otherwise.
func fork(t *testing.T, seed string) (one, other *Chain) {
	t.Helper()
	wall := newWallClock()
	of := func(seed string) *Chain {
		return New(t, byHand, func(c *Config) { c.Seed, c.Clock = []byte(seed), wall.read }, with(newRich(t, "rich").genesis(t)))
	}
	one, other = of("fork"), of(seed)
	r := newRich(t, "rich")
	require.NoError(t, one.Mine())
	require.NoError(t, other.Push(r.send(t, coins(1), account(20))))
	require.NoError(t, other.Mine())
	require.False(t, one.Head().Equals(other.Head()))
	return one, other
}

func TestView_TwoHistoriesOfOneKeyAreBothProven(t *testing.T) {
	t.Parallel()
	one, other := fork(t, "fork")
	require.Equal(t, one.view().history[wholeMasterchain][firstKey].id, other.view().history[wholeMasterchain][firstKey].id, "they share their beginning")
	server := serve(t, one, Faults{View: other})
	// whoever signs two blocks of one number can show each to somebody: only
	// asking both servers tells
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	head, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	require.True(t, other.Head().Equals(head))
	there, err := api.GetAccount(t.Context(), head, account(20))
	require.NoError(t, err)
	require.NotNil(t, there.State)
	honest, err := connect(t, one, ton.ProofCheckPolicySecure).GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, head.SeqNo, honest.SeqNo)
	require.NotEqual(t, head.RootHash, honest.RootHash)

	// a client that has seen one history does not follow the server into the other
	require.NoError(t, server.SetFaults(Faults{}))
	require.NoError(t, one.Mine())
	_, err = api.GetMasterchainInfo(t.Context())
	require.Error(t, err)
}

func TestView_AnotherKeysChainIsRefusedBySecure(t *testing.T) {
	t.Parallel()
	one, other := fork(t, "another key")
	server := serve(t, one, Faults{View: other})
	_, err := connectTo(t, server.Config(), ton.ProofCheckPolicySecure).GetMasterchainInfo(t.Context())
	require.Error(t, err)
	head, err := connectTo(t, server.Config(), ton.ProofCheckPolicyFast).GetMasterchainInfo(t.Context())
	require.NoError(t, err, "fast takes the head on the server's word")
	require.True(t, other.Head().Equals(head))
}

func TestView_AClientOfTwoServersSeesThemDisagree(t *testing.T) {
	t.Parallel()
	one, other := fork(t, "fork")
	strange := serve(t, one, Faults{View: other})
	config := one.ConfigOf(one.Server(), strange)
	api := connectTo(t, config, ton.ProofCheckPolicyFast).WithRetryTimeout(2, 0)
	// each server refuses the other's head by its hashes; the retrying client
	// asks on until it finds the one that has it
	for _, head := range []*ton.BlockIDExt{one.Head(), other.Head()} {
		require.Eventually(t, func() bool {
			_, err := api.GetBlockData(t.Context(), head)
			return err == nil
		}, eventually, tick)
	}
	require.Positive(t, one.Server().Stats().Queries["getBlock"])
	require.Positive(t, strange.Stats().Queries["getBlock"])
}
