package action_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

const model = "Qwen/Qwen3-32B"

// town is a network with a registry and a rewards contract on a local chain;
// one wallet is everybody's.
type town struct {
	action.Desk
	t       *testing.T
	local   *localnet.Chain
	client  *chain.Client
	wallet  *chain.Wallet
	rewards cocoon.Account
	salt    uint64
}

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, local: localnet.New(t)}
	n, err := chain.ParseNetwork(w.local.GlobalConfig())
	require.NoError(t, err)
	w.client, err = chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.wallet, err = chain.NewWallet(w.client, testKey(9))
	require.NoError(t, err)
	require.NoError(t, w.local.Faucet(t.Context(), chain.Address(w.wallet.Account()), cocoon.TON(1000).Big()))
	w.Desk = action.Desk{Chain: w.client, GlobalID: w.client.Network().GlobalID}
	registry, deploy, err := w.Deploy(t.Context(), wrappers.RegistryBirth{Owner: w.wallet.Account(), Delay: 30}, action.QuickRules(), cocoon.Account{}, model)
	require.NoError(t, err)
	w.send(deploy...)
	w.Registry = registry
	birth := w.Rewards(w.wallet.Account(), 0)
	terms, err := w.RewardsTerms(t.Context(), birth)
	require.NoError(t, err)
	w.send(terms)
	w.rewards, err = birth.Account()
	require.NoError(t, err)
	return w
}

// send returns once the messages have been executed: the local chain makes
// blocks as long as some are on their way.
func (w *town) send(messages ...chain.Message) {
	w.t.Helper()
	_, err := w.wallet.Send(w.t.Context(), messages...)
	require.NoError(w.t, err)
	for range 4 {
		require.NoError(w.t, w.local.Mine())
	}
}

// do sends what a builder made.
func (w *town) do(m chain.Message, err error) {
	w.t.Helper()
	require.NoError(w.t, err)
	w.send(m)
}
