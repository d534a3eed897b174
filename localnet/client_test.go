package localnet

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
)

func TestClient_WalletsDeployAndSendUnmodified(t *testing.T) {
	t.Parallel()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := New(t)
			for policyName, policy := range policies {
				api := connect(t, c, policy)
				w := openWallet(t, api, policyName, version)
				require.NoError(t, c.Faucet(t.Context(), w.WalletAddress(), coins(10)))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				tx, block, err := w.SendWaitTransaction(ctx, wallet.SimpleMessageAutoBounce(account(9), tlb.MustFromTON("3"), nil))
				cancel()
				require.NoError(t, err, policyName)
				require.NotZero(t, block.SeqNo)
				list, err := api.ListTransactions(t.Context(), w.WalletAddress(), 10, tx.LT, tx.Hash)
				require.NoError(t, err)
				require.Len(t, list, 2, "the faucet's transfer and the deployment")
			}
			require.Positive(t, balance(t, c, account(9)).Cmp(coins(8)))
			requireSound(t, c)
		})
	}
}
