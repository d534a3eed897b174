package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

// lap is what an executor made of the first transfers: how long they took and
// the hash of the last transaction, which covers all before it.
type lap struct {
	seconds float64
	hash    string
}

func (l lap) rate(transfers int) float64 { return float64(2*transfers) / l.seconds }

// executor runs the first n of its transfers from the beginning.
type executor interface {
	run(n int) (lap, error)
	close() error
}

// ltStep lies between the logical times of two transactions; it is the sandbox's.
const ltStep = 1_000_000

// bare is localnet's executor without blocks: parse, prepare, execute.
type bare struct {
	transfers *transfers
	config    *tvm.PreparedBlockchainConfig
	machine   *tvm.TVM
	accounts  [2]*cell.Cell
	at        [2]*address.Address
}

func newBare(t *transfers) (executor, error) {
	root, err := parse(t.Config)
	if err != nil {
		return nil, err
	}
	b := &bare{transfers: t, machine: tvm.NewTVM()}
	if b.config, err = tvm.PrepareBlockchainConfig(root); err != nil {
		return nil, err
	}
	for i, raw := range []string{t.Sender, t.Receiver} {
		if b.at[i], err = address.ParseRawAddr(raw); err != nil {
			return nil, err
		}
		if b.accounts[i], err = parse(t.Accounts[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (*bare) close() error { return nil }

// lane is an account and the statistics that go with it.
type lane struct {
	account *tvm.PreparedAccount
	stat    *cell.Cell
}

func openLane(root *cell.Cell, at *address.Address) (lane, error) {
	var shard tlb.ShardAccount
	if err := tlb.Parse(&shard, root); err != nil {
		return lane{}, err
	}
	account, err := tvm.PrepareAccount(&shard, at)
	return lane{account: account}, err
}

// execute runs a message that must be accepted.
func (l *lane) execute(machine *tvm.TVM, block *tvm.BlockContext, message *tvm.PreparedMessage, lt int64) (*tvm.TransactionExecutionResult, error) {
	result, err := machine.EmulateTransaction(block, l.account, message, tvm.TransactionOptions{LogicalTime: lt, AccountStorageStat: l.stat})
	if err != nil {
		return nil, err
	}
	if result.TransactionCell == nil {
		return nil, fmt.Errorf("message not accepted: exit %d", result.ExitCode)
	}
	*l = lane{result.NextAccount, result.AccountStorageStat}
	return result, nil
}

var errNotOneMessage = errors.New("a transfer did not send one message")

func (b *bare) run(n int) (l lap, err error) {
	var lanes [2]lane
	for i := range lanes {
		if lanes[i], err = openLane(b.accounts[i], b.at[i]); err != nil {
			return l, err
		}
	}
	block, err := b.config.NewBlockContext(tvm.BlockOptions{Now: b.transfers.Now, RandSeed: make([]byte, 32), GlobalID: localnet.DefaultGlobalID})
	if err != nil {
		return l, err
	}
	start, lt := time.Now(), int64(0)
	var last *tvm.TransactionExecutionResult
	for _, external := range b.transfers.Externals[:n] {
		if last, err = b.transfer(&lanes, block, external, lt); err != nil {
			return l, err
		}
		lt += 2 * ltStep
	}
	return lap{time.Since(start).Seconds(), hex.EncodeToString(last.TransactionCell.Hash())}, nil
}

func (b *bare) transfer(lanes *[2]lane, block *tvm.BlockContext, external string, lt int64) (*tvm.TransactionExecutionResult, error) {
	c, err := parse(external)
	if err != nil {
		return nil, err
	}
	message, err := tvm.PrepareMessage(c)
	if err != nil {
		return nil, err
	}
	sent, err := lanes[0].execute(b.machine, block, message, lt+ltStep)
	if err != nil {
		return nil, err
	}
	if len(sent.OutMessages) != 1 {
		return nil, errNotOneMessage
	}
	if message, err = tvm.PrepareParsedMessage(sent.OutMessages[0].Cell, sent.OutMessages[0].Msg); err != nil {
		return nil, err
	}
	return lanes[1].execute(b.machine, block, message, lt+2*ltStep)
}
