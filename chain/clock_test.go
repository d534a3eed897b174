package chain_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

func TestClock_FollowsALocalChainThatJumps(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	n, err := chain.ParseNetwork(local.GlobalConfig())
	require.NoError(t, err)
	c, err := chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	k, err := chain.NewClock(t.Context(), c, n.GlobalID)
	require.NoError(t, err)
	require.True(t, k.Now().Before(time.Now().Add(-time.Hour)), "a local chain lives in the past")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx, c, slog.New(slog.DiscardHandler)); close(done) }()
	before := k.Now()
	require.NoError(t, local.Advance(10*time.Minute))
	require.Eventually(t, func() bool { return k.Now().Sub(before) >= 10*time.Minute }, 20*time.Second, time.Millisecond)
	cancel()
	<-done
}

func TestClock_IsTheMachinesOnAPublicNetwork(t *testing.T) {
	t.Parallel()
	for _, id := range []int32{chain.Mainnet, chain.Testnet} {
		k, err := chain.NewClock(t.Context(), nil, id)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), k.Now(), time.Minute)
		k.Run(t.Context(), nil, slog.New(slog.DiscardHandler))
	}
}
