package localnet

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/ton/wallet"
)

// connect is an unmodified client that knows the chain's global config only.
func connect(t *testing.T, c *Chain, policy ton.ProofCheckPolicy) *ton.APIClient {
	t.Helper()
	var config liteclient.GlobalConfig
	require.NoError(t, json.Unmarshal(c.GlobalConfig(), &config))
	pool := liteclient.NewConnectionPool()
	t.Cleanup(pool.Stop)
	require.NoError(t, pool.AddConnectionsFromConfig(t.Context(), &config))
	api := ton.NewAPIClient(pool, policy)
	if policy == ton.ProofCheckPolicySecure {
		api.SetTrustedBlockFromConfig(&config)
	}
	return api
}

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func openWallet(t *testing.T, api wallet.TonAPI, name string, version wallet.VersionConfig) *wallet.Wallet {
	t.Helper()
	w, err := wallet.FromPrivateKey(api, keyOf(name), version)
	require.NoError(t, err)
	return w
}

var v5 = wallet.ConfigV5R1Final{NetworkGlobalID: DefaultGlobalID}

func TestClient_WalletsDeployAndSendUnmodified(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]wallet.VersionConfig{"v4r2": wallet.V4R2, "v5r1": v5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := New(t)
			for policyName, policy := range map[string]ton.ProofCheckPolicy{"unsafe": ton.ProofCheckPolicyUnsafe, "fast": ton.ProofCheckPolicyFast, "secure": ton.ProofCheckPolicySecure} {
				api := connect(t, c, policy)
				w := openWallet(t, api, policyName, version)
				require.NoError(t, c.Faucet(t.Context(), w.WalletAddress(), ton1(10)))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				tx, block, err := w.SendWaitTransaction(ctx, wallet.SimpleMessageAutoBounce(account(9).Bounce(false), tlb.MustFromTON("3"), nil))
				cancel()
				require.NoError(t, err, policyName)
				require.NotZero(t, block.SeqNo)
				list, err := api.ListTransactions(t.Context(), w.WalletAddress(), 10, tx.LT, tx.Hash)
				require.NoError(t, err)
				require.Len(t, list, 2, "the faucet's transfer and the deployment")
			}
			n, err := c.Balance(account(9))
			require.NoError(t, err)
			require.Positive(t, n.Cmp(ton1(8)))
		})
	}
}

