package main

import (
	"context"
	"fmt"
	"math/big"
	"runtime"
	"time"

	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

const (
	// crowd is how many wallets pay each other in a round of blocks.
	crowd = 1000
	// empties is how many rounds of blocks without transactions are made.
	empties = 2000
)

// manual is a chain that makes blocks only when it is told to.
func manual(purses []*purse) localnet.Config {
	cfg := localnet.Config{Seed: []byte(purpose), BlockTime: 24 * time.Hour}
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
	chain, err := localnet.Start(context.Background(), manual(purses))
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
	if err := chain.Mine(); err != nil {
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

// ring is the purses' accounts in the executor alone.
type ring struct {
	config  *tvm.PreparedBlockchainConfig
	machine *tvm.TVM
	lanes   []lane
	now     uint32
	lt      int64
}

func newRing(purses []*purse) (*ring, error) {
	config, err := localnet.BlockchainConfig(localnet.ConfigOptions{})
	if err != nil {
		return nil, err
	}
	r := &ring{machine: tvm.NewTVM(), now: uint32(time.Now().Unix())}
	if r.config, err = tvm.PrepareBlockchainConfig(config.AsCell()); err != nil {
		return nil, err
	}
	for _, p := range purses {
		root, err := p.account(r.now)
		if err != nil {
			return nil, err
		}
		l, err := openLane(root, p.WalletAddress())
		if err != nil {
			return nil, err
		}
		r.lanes = append(r.lanes, l)
	}
	return r, nil
}

// run executes a circle of payments and returns the seconds it took.
func (r *ring) run(messages [][]byte) (float64, error) {
	r.now += 5
	block, err := r.config.NewBlockContext(tvm.BlockOptions{Now: r.now, RandSeed: make([]byte, 32), GlobalID: localnet.DefaultGlobalID})
	if err != nil {
		return 0, err
	}
	runtime.GC()
	start := time.Now()
	for i, m := range messages {
		r.lt += ltStep
		c, err := cell.FromBOC(m)
		if err != nil {
			return 0, err
		}
		message, err := tvm.PrepareMessage(c)
		if err != nil {
			return 0, err
		}
		sent, err := r.lanes[i].execute(r.machine, block, message, r.lt)
		if err != nil {
			return 0, err
		}
		if len(sent.OutMessages) != 1 {
			return 0, errNotOneMessage
		}
		if message, err = tvm.PrepareParsedMessage(sent.OutMessages[0].Cell, sent.OutMessages[0].Msg); err != nil {
			return 0, err
		}
		if _, err = r.lanes[(i+1)%len(r.lanes)].execute(r.machine, block, message, r.lt); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

// measureStart measures from nothing to the first transaction that clients can see.
func measureStart(f *figures, rounds int) error {
	var all []float64
	for range rounds {
		purses, err := newPurses(2)
		if err != nil {
			return err
		}
		message, err := purses[0].pay(purses[1].WalletAddress(), 1e6)
		if err != nil {
			return err
		}
		start := time.Now()
		chain, err := localnet.Start(context.Background(), manual(purses))
		if err != nil {
			return err
		}
		if err = chain.Push(message); err == nil {
			err = chain.Mine()
		}
		all = append(all, float64(time.Since(start).Microseconds())/1e3)
		if err != nil {
			return err
		}
		got, err := chain.Balance(purses[1].WalletAddress())
		if err != nil {
			return err
		}
		if got.Cmp(big.NewInt(1e15)) <= 0 {
			return fmt.Errorf("the first payment is not in the blocks: the receiver has %s", got)
		}
		if err = chain.Close(); err != nil {
			return err
		}
	}
	f.StartMs = new(median(all))
	note("start to the first transaction: %.2f ms", *f.StartMs)
	return nil
}

// measureEmpty measures pairs of blocks without transactions, one of each chain,
// and what the process keeps of a block.
func measureEmpty(f *figures, _ int) error {
	chain, err := localnet.Start(context.Background(), manual(nil))
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
