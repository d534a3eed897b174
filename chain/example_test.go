package chain_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

// startLocal is a chain to try things on, which lives as long as the process.
func startLocal() (context.Context, *localnet.Chain) {
	ctx := context.Background()
	local, err := localnet.Start(ctx, localnet.Config{})
	check(err)
	return ctx, local
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func ExampleLoadNetwork() {
	_, local := startLocal()
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	// any global.config.json will do; ours may also name the network and its registry
	n, err := chain.ParseNetwork(local.GlobalConfig())
	check(err)
	n.Name, n.Registry = "localnet", cocoon.Account{31: 7}
	path := filepath.Join(dir, "localnet.json")
	check(n.Save(path))

	n, err = chain.LoadNetwork(path)
	fmt.Println(n.Name, n.Registry, len(n.Liteservers), err)
	_, err = chain.LoadNetwork("mainnet")
	fmt.Println("error:", err)
	fmt.Println("hint:", cocoon.HintOf(err))
	// Output:
	// localnet 0:0000000000000000000000000000000000000000000000000000000000000007 1 <nil>
	// error: no liteservers of mainnet (global id -239) are known
	// hint: download the global.config.json of mainnet from its maintainers and give its path as the network
}

func ExampleWallet_Send() {
	ctx, local := startLocal()
	n, err := chain.ParseNetwork(local.GlobalConfig())
	check(err)
	c, err := chain.Dial(ctx, n, chain.Options{})
	check(err)
	defer c.Close()
	w, err := chain.NewWallet(c, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	check(err)

	friend := cocoon.Account{1}
	_, err = w.Send(ctx, chain.Message{To: friend, Amount: cocoon.TON(2)})
	fmt.Println(cocoon.KindOf(err) == cocoon.NoMoney)

	check(local.Faucet(ctx, chain.Address(w.Account()), big.NewInt(5e9)))
	_, err = w.Send(ctx, chain.Message{To: friend, Amount: cocoon.TON(2)})
	fmt.Println(errors.Is(err, chain.ErrOutcomeUnknown)) // then look at the chain before you send again
	check(err)
	paid, err := c.WaitAccount(ctx, friend, func(a chain.Account) bool { return !a.Balance.IsZero() })
	fmt.Println(paid.State, paid.Balance, err)
	// Output:
	// true
	// false
	// uninit 2 TON <nil>
}

func ExampleClient_Get() {
	ctx, local := startLocal()
	n, err := chain.ParseNetwork(local.GlobalConfig())
	check(err)
	c, err := chain.Dial(ctx, n, chain.Options{})
	check(err)
	defer c.Close()

	faucet, err := chain.AccountOf(local.FaucetAddress())
	check(err)
	values, err := c.Get(ctx, faucet, "seqno")
	fmt.Println(values, err)
	_, err = c.Get(ctx, faucet, "no_such_method")
	fmt.Println(err)
	// Output:
	// [0] <nil>
	// no_such_method ended with exit code 11
}
