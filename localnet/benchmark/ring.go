package main

import (
	"runtime"
	"time"

	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

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
		if err := r.pay(block, i, m); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

// pay executes the payment of one purse to the next.
func (r *ring) pay(block *tvm.BlockContext, i int, boc []byte) error {
	c, err := cell.FromBOC(boc)
	if err != nil {
		return err
	}
	message, err := tvm.PrepareMessage(c)
	if err != nil {
		return err
	}
	sent, err := r.lanes[i].execute(r.machine, block, message, r.lt)
	if err != nil {
		return err
	}
	if len(sent.OutMessages) != 1 {
		return errNotOneMessage
	}
	if message, err = tvm.PrepareParsedMessage(sent.OutMessages[0].Cell, sent.OutMessages[0].Msg); err != nil {
		return err
	}
	_, err = r.lanes[(i+1)%len(r.lanes)].execute(r.machine, block, message, r.lt)
	return err
}
