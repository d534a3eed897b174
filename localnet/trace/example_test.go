package trace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/localnet/trace"
)

func Example() {
	ctx := context.Background()
	chain, err := localnet.Start(ctx, localnet.Config{Seed: []byte("example")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chain.Close()
	somebody := address.MustParseRawAddr("0:0000000000000000000000000000000000000000000000000000000000000001")
	if err = chain.Faucet(ctx, somebody, big.NewInt(5_000_000_000)); err != nil {
		fmt.Println(err)
	}

	var config liteclient.GlobalConfig
	if err = json.Unmarshal(chain.GlobalConfig(), &config); err != nil {
		fmt.Println(err)
	}
	pool := liteclient.NewConnectionPool()
	defer pool.Stop()
	if err = pool.AddConnectionsFromConfig(ctx, &config); err != nil {
		fmt.Println(err)
	}
	r := &trace.Reader{Blocks: trace.NewLite(ton.NewAPIClient(pool))}
	tx, err := r.Last(ctx, somebody)
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := r.Trace(ctx, tx)
	if err != nil {
		fmt.Println(err)
	}
	taken := trace.Show(root.Children[0].Transaction, trace.Names{})
	fmt.Println(taken.In.Value, "→", taken.Account[:4], taken.Outcome)
	// Output: 5 TON → 0:00 skipped no_state
}
