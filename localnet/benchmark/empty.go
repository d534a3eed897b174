package main

import (
	"context"
	"fmt"
	"math/big"
	"runtime"
	"time"

	"github.com/cocoon-network/cocoon/localnet"
)

// empties is how many rounds of blocks without transactions are made.
const empties = 2000

// measureStart measures from nothing to the first transaction that clients can see.
func measureStart(f *figures, rounds int) error {
	var all []float64
	for range rounds {
		ms, err := firstPayment()
		if err != nil {
			return fmt.Errorf("start a chain: %w", err)
		}
		all = append(all, ms)
	}
	f.StartMs = new(median(all))
	note("start to the first transaction: %.2f ms", *f.StartMs)
	return nil
}

// firstPayment starts a chain and returns the milliseconds until a payment is in its blocks.
func firstPayment() (float64, error) {
	purses, err := newPurses(2)
	if err != nil {
		return 0, err
	}
	message, err := purses[0].pay(purses[1].WalletAddress(), 1e6)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	chain, err := localnet.Start(context.Background(), manual(purses, 1))
	if err != nil {
		return 0, err
	}
	defer chain.Close()
	if err = chain.Push(message); err != nil {
		return 0, err
	}
	if err = chain.Mine(); err != nil {
		return 0, err
	}
	ms := float64(time.Since(start).Microseconds()) / 1e3
	got, err := chain.Balance(purses[1].WalletAddress())
	if err == nil && got.Cmp(big.NewInt(1e15)) <= 0 {
		err = fmt.Errorf("the payment is not in the blocks: the receiver has %s", got)
	}
	return ms, err
}

// measureEmpty measures pairs of blocks without transactions, one of each chain,
// and what the process keeps of a block.
func measureEmpty(f *figures, _ int) error {
	chain, err := localnet.Start(context.Background(), manual(nil, 1))
	if err != nil {
		return err
	}
	defer chain.Close()
	var all []float64
	before := heap()
	for range empties {
		start := time.Now()
		if err := chain.Mine(); err != nil {
			return err
		}
		all = append(all, float64(time.Since(start).Nanoseconds())/1e6)
	}
	pair := float64(heap()-before) / empties
	f.EmptyPairMs, f.HeapBytesPerEmptyBlock = new(median(all)), new(pair/2)
	note("an empty pair of blocks: %.3f ms, %.0f bytes of heap", *f.EmptyPairMs, pair)
	return nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
