package localnet_test

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/xssnick/tonutils-go/address"

	"github.com/cocoon-network/cocoon/localnet"
)

func Example() {
	ctx := context.Background()
	chain, err := localnet.Start(ctx, localnet.Config{Seed: []byte("example")})
	if err != nil {
		fmt.Println(err)
		return
	}
	// any TON client connects with chain.GlobalConfig()
	somebody := address.MustParseRawAddr("0:0000000000000000000000000000000000000000000000000000000000000001")
	if err = chain.Faucet(ctx, somebody, big.NewInt(5_000_000_000)); err != nil {
		fmt.Println(err)
	}
	balance, err := chain.Balance(somebody)
	fmt.Println(balance, err)
	fmt.Println(chain.Advance(24*time.Hour), chain.Advance(60*24*time.Hour) != nil)
	fmt.Println(chain.Close())
	// Output:
	// 5000000000 <nil>
	// <nil> true
	// <nil>
}
