package audit_test

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"

	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/localnet/audit"
)

func TestFollow_AcceptsLocalnetUnderTraffic(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	c := localnet.New(t, func(c *localnet.Config) { c.BlockTime, c.ShardBlocks = time.Hour, 3 })
	for range 12 {
		for range random.IntN(4) {
			to := address.NewAddress(0, 0, append(make([]byte, 31), byte(random.IntN(256))))
			go func() { _ = c.Faucet(t.Context(), to, big.NewInt(random.Int64N(1e9))) }()
		}
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, c.Mine())
	}
	_, err := audit.Follow(c.Block, c.Head(), audit.Waive(audit.RuleValidators, audit.RuleMinRef, audit.RuleKeyLog, audit.RuleProcessed))
	require.NoError(t, err)
}
