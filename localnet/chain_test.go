package localnet

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
)

func ton1(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e9)) }

func account(n byte) *address.Address {
	id := make([]byte, 32)
	id[31] = n
	return address.NewAddress(0, 0, id)
}

func TestSmoke(t *testing.T) {
	c := New(t)
	start := time.Now()
	require.NoError(t, c.Faucet(context.Background(), account(1), ton1(5)))
	t.Log(time.Since(start))
	n, err := c.Balance(account(1))
	require.NoError(t, err)
	require.Equal(t, ton1(5), n)
	t.Log(string(c.GlobalConfig()))
}
