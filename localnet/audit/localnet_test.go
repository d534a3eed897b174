package audit_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/localnet/audit"
)

func account(n byte) *address.Address { return address.NewAddress(0, 0, append(make([]byte, 31), n)) }

// relay is a contract that sends what it gets to another.
func relay(t *testing.T, at byte, to *address.Address) localnet.GenesisAccount {
	t.Helper()
	raw, err := hex.DecodeString("FF00ED44D08010C8CB05CE806FCF40C98040FB00")
	require.NoError(t, err)
	code := cell.BeginCell().MustStoreSlice(raw, uint(len(raw)*8)).EndCell()
	return localnet.GenesisAccount{Address: account(at), Code: code, Data: cell.BeginCell().MustStoreAddr(to).EndCell(), Nano: big.NewInt(1e9)}
}

func busyLocalnet(t *testing.T) *localnet.Chain {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	c := localnet.New(t, func(c *localnet.Config) {
		c.ShardBlocks, c.Shards = 3, 4
		for i := range byte(5) {
			c.Accounts = append(c.Accounts, relay(t, i+1, account(i+2)))
		}
	})
	for range 8 {
		var wait sync.WaitGroup
		for range 1 + random.IntN(4) {
			to, nano := account(byte(random.IntN(32))), big.NewInt(1e8+random.Int64N(1e9))
			wait.Go(func() {
				if err := c.Faucet(t.Context(), to, nano); err != nil {
					t.Errorf("faucet: %v", err)
				}
			})
		}
		wait.Wait()
		require.NoError(t, c.Mine())
	}
	return c
}

func TestFollow_AcceptsLocalnetUnderTraffic(t *testing.T) {
	t.Parallel()
	c := busyLocalnet(t)
	_, err := audit.Follow(c.Block, c.Head())
	require.NoError(t, err)
}

func TestFollow_RefusesBytesOfAnotherBlock(t *testing.T) {
	t.Parallel()
	c := busyLocalnet(t)
	head := c.Head()
	spoiled := func(id *ton.BlockIDExt) ([]byte, error) {
		raw, err := c.Block(id)
		if err == nil && id.Workchain == 0 && id.SeqNo == 3 {
			raw = bytes.Clone(raw)
			raw[len(raw)-5] ^= 1
		}
		return raw, err
	}
	_, err := audit.Follow(spoiled, head)
	require.Error(t, err)
}
