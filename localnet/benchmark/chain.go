package main

import (
	"context"
	"fmt"
	"math/big"
	"runtime"
	"time"

	"github.com/cocoon-network/cocoon/localnet"
)

// crowd is how many wallets pay each other in a round of blocks.
const crowd = 1000

// manual is a chain that makes blocks only when it is told to.
func manual(purses []*purse, shards int) localnet.Config {
	cfg := localnet.Config{Seed: []byte(purpose), Manual: true, Shards: shards}
	for _, p := range purses {
		cfg.Accounts = append(cfg.Accounts, p.genesis())
	}
	return cfg
}

func newPurses(n int) (purses []*purse, err error) {
	for i := range n {
		p, err := newPurse("v4r2", fmt.Sprint(i))
		if err != nil {
			return nil, err
		}
		purses = append(purses, p)
	}
	return purses, nil
}

// measureChain compares a round of blocks, from the messages that were admitted
// to what clients are served, with the execution of the same messages alone.
func measureChain(f *figures, rounds int) error {
	purses, err := newPurses(crowd)
	if err != nil {
		return err
	}
	chain, err := localnet.Start(context.Background(), manual(purses, 2)) // one for each core
	if err != nil {
		return err
	}
	defer chain.Close()
	ring, err := newRing(purses)
	if err != nil {
		return err
	}
	var whole, bare []float64
	for range rounds + 1 {
		messages, err := circle(purses)
		if err != nil {
			return err
		}
		seconds, err := ring.run(messages)
		if err != nil {
			return fmt.Errorf("execute the messages of a block: %w", err)
		}
		bare = append(bare, 2*crowd/seconds)
		if seconds, err = mine(chain, purses, messages); err != nil {
			return err
		}
		whole = append(whole, 2*crowd/seconds)
	}
	// The first round is the warming up.
	a, b := median(whole[1:]), median(bare[1:])
	note("the chain: %.0f transactions a second, its executor alone %.0f", a, b)
	f.ChainVsExecutor = new(a / b)
	return nil
}

// circle is a payment of each purse to the next.
func circle(purses []*purse) (messages [][]byte, err error) {
	for i, p := range purses {
		m, err := p.pay(purses[(i+1)%len(purses)].WalletAddress(), 1e6)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// mine admits the messages and measures the seconds until all are in blocks that
// are served. Every purse must have paid a fee.
func mine(chain *localnet.Chain, purses []*purse, messages [][]byte) (float64, error) {
	before, err := balances(chain, purses)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if err := chain.Push(m); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	start := time.Now()
	if err := chain.MineAll(); err != nil { // until what goes to another shard is there, too
		return 0, err
	}
	seconds := time.Since(start).Seconds()
	after, err := balances(chain, purses)
	if err != nil {
		return 0, err
	}
	for i := range purses {
		if after[i].Cmp(before[i]) >= 0 {
			return 0, fmt.Errorf("the payment of wallet %d is not in the blocks", i)
		}
	}
	return seconds, nil
}

func balances(chain *localnet.Chain, purses []*purse) (list []*big.Int, err error) {
	for _, p := range purses {
		n, err := chain.Balance(p.WalletAddress())
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
