package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
)

// A tier that was asked for and is not to be had is no lower one: this machine is
// no TDX guest.
func TestWorkerTEE_FailsClosed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		network       int32
		tee, attester string
		tier          attest.Tier
		kind          cocoon.Kind
	}{
		{network: localnet.DefaultGlobalID, tier: attest.TierSimulated},
		{network: localnet.DefaultGlobalID, tee: "none", tier: attest.TierOpen},
		{network: chain.Mainnet, tee: "none", tier: attest.TierOpen},
		{network: chain.Mainnet, kind: cocoon.NotFound},
		{network: chain.Testnet, kind: cocoon.NotFound},
		{network: localnet.DefaultGlobalID, tee: "tdx", kind: cocoon.NotFound},
		{network: chain.Mainnet, tee: "simulated", kind: cocoon.Forbidden},
		{network: chain.Testnet, tee: "simulated", kind: cocoon.Forbidden},
		{network: localnet.DefaultGlobalID, tee: "sgx", kind: cocoon.Invalid},
		{network: localnet.DefaultGlobalID, tee: "none", attester: "nvattest", kind: cocoon.Invalid},
	} {
		o := workerRun{tee: c.tee, gpuAttest: c.attester}
		q, gpus, err := o.environment(c.network)
		if c.tier == "" {
			require.Error(t, err, "%+v", c)
			require.Equal(t, c.kind, cocoon.KindOf(err), "%+v", c)
			require.Nil(t, q)
			continue
		}
		require.NoError(t, err, "%+v", c)
		require.Zero(t, gpus)
		require.Equal(t, c.tier, tierOf(worker.Deps{Quoter: q}))
	}
}
