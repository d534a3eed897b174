package chain_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"math/big"
	"os"
	"path/filepath"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

func ExampleLoadNetwork() {
	local, err := localnet.Start(context.Background(), localnet.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer local.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// any global.config.json will do; ours may also name the network and its registry
	n, err := chain.ParseNetwork(local.GlobalConfig())
	if err != nil {
		log.Fatal(err)
	}
	n.Name, n.Registry = "localnet", cocoon.Account{31: 7}
	path := filepath.Join(dir, "localnet.json")
	if err = n.Save(path); err != nil {
		log.Fatal(err)
	}

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
	ctx := context.Background()
	local, err := localnet.Start(ctx, localnet.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer local.Close()
	n, err := chain.ParseNetwork(local.GlobalConfig())
	if err != nil {
		log.Fatal(err)
	}
	c, err := chain.Dial(ctx, n, chain.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	w, err := chain.NewWallet(c, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		log.Fatal(err)
	}

	friend := cocoon.Account{1}
	_, err = w.Send(ctx, chain.Message{To: friend, Amount: cocoon.TON(2)})
	fmt.Println(cocoon.KindOf(err) == cocoon.NoMoney)

	if err = local.Faucet(ctx, chain.Address(w.Account()), big.NewInt(5e9)); err != nil {
		log.Fatal(err)
	}
	if _, err = w.Send(ctx, chain.Message{To: friend, Amount: cocoon.TON(2)}); errors.Is(err, chain.ErrOutcomeUnknown) {
		log.Fatal("look at the chain before you send again")
	} else if err != nil {
		log.Fatal(err)
	}
	paid, err := c.WaitAccount(ctx, friend, func(a chain.Account) bool { return !a.Balance.IsZero() })
	fmt.Println(paid.State, paid.Balance, err)
	// Output:
	// true
	// uninit 2 TON <nil>
}

func ExampleClient_Get() {
	ctx := context.Background()
	local, err := localnet.Start(ctx, localnet.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer local.Close()
	n, err := chain.ParseNetwork(local.GlobalConfig())
	if err != nil {
		log.Fatal(err)
	}
	c, err := chain.Dial(ctx, n, chain.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	faucet, err := chain.AccountOf(local.FaucetAddress())
	if err != nil {
		log.Fatal(err)
	}
	values, err := c.Get(ctx, faucet, "seqno")
	fmt.Println(values, err)
	_, err = c.Get(ctx, faucet, "no_such_method")
	fmt.Println(err)
	// Output:
	// [0] <nil>
	// no_such_method ended with exit code 11
}
