package chain_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

func dialAs(t *testing.T, config []byte, policy chain.Policy) *chain.Client {
	t.Helper()
	n, err := chain.ParseNetwork(config)
	require.NoError(t, err)
	n.GlobalID = localnet.DefaultGlobalID
	c, err := chain.Dial(t.Context(), n, chain.Options{Policy: policy})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAccount_AbsenceIsBelievedOnlyWhereTheWayEnds(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	rich, none := cocoon.Account{1}, cocoon.Account{2}
	require.NoError(t, local.Faucet(t.Context(), chain.Address(rich), big.NewInt(5e9)))
	liar, err := local.Serve(localnet.Faults{Lie: localnet.LieAbsent})
	require.NoError(t, err)
	for _, policy := range []chain.Policy{chain.Fast, chain.Secure} {
		honest, lying := dialAs(t, local.GlobalConfig(), policy), dialAs(t, liar.Config(), policy)
		a, err := honest.Account(t.Context(), none)
		require.NoError(t, err)
		require.Equal(t, chain.None, a.State)
		_, err = lying.Account(t.Context(), rich)
		require.ErrorContains(t, err, "does not show that there is no such account")

		both := dialAs(t, local.ConfigOf(liar, local.Server()), policy)
		a, err = both.Account(t.Context(), rich)
		require.NoError(t, err, "the honest one is asked next")
		require.EqualValues(t, 5e9, a.Balance.Big().Int64())
	}
}
