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

func ExampleChain_Serve() {
	ctx := context.Background()
	chain, err := localnet.Start(ctx, localnet.Config{Seed: []byte("faults")})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := chain.Serve(localnet.Faults{Lie: localnet.LieSignature})
	if err != nil {
		fmt.Println(err)
		return
	}
	// a client that checks signatures refuses what it hears with server.Config();
	// with this one it has an honest server to turn to
	_ = chain.ConfigOf(server, chain.Server())
	fmt.Println(server.SetFaults(localnet.Faults{LagBlocks: 3, ErrorRate: 0.1}))
	fmt.Println(server.SetFaults(localnet.Faults{ErrorRate: 2}))
	fmt.Println(server.Stats().Total(), chain.Close())
	// Output:
	// <nil>
	// set faults: a rate of 2 is not between 0 and 1
	// 0 <nil>
}
