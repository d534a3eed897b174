//go:build cgo && emulator && linux && amd64

package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tonkeeper/tongo/boc"
	"github.com/tonkeeper/tongo/tlb"
	"github.com/tonkeeper/tongo/txemulator"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// tongo is its emulator of transactions, as its users call it.
type tongo struct {
	emulator  *txemulator.Emulator
	transfers *transfers
	accounts  [2]tlb.ShardAccount
}

func newTongo(t *transfers) (executor, error) {
	config, err := boc.DeserializeSinglRootBase64(t.Config)
	if err != nil {
		return nil, err
	}
	// It logs all that it does unless told otherwise, which takes its time.
	if err = new(txemulator.Emulator).SetVerbosityLevel(0); err != nil {
		return nil, err
	}
	e := &tongo{transfers: t}
	if e.emulator, err = txemulator.NewEmulator(config, txemulator.LogTruncated); err != nil {
		return nil, err
	}
	for i, raw := range t.Accounts {
		root, err := boc.DeserializeSinglRootBase64(raw)
		if err != nil {
			return nil, err
		}
		if err = tlb.Unmarshal(root, &e.accounts[i]); err != nil {
			return nil, err
		}
	}
	return e, e.emulator.SetUnixtime(t.Now)
}

func (*tongo) close() error { return nil }

func (e *tongo) run(n int) (l lap, err error) {
	accounts := e.accounts
	start, lt, last := time.Now(), uint64(0), ""
	for _, external := range e.transfers.Externals[:n] {
		if last, err = e.transfer(&accounts, external, lt); err != nil {
			return l, err
		}
		lt += 2 * ltStep
	}
	l.seconds = time.Since(start).Seconds()
	raw, err := base64.StdEncoding.DecodeString(last)
	if err != nil {
		return l, err
	}
	c, err := cell.FromBOC(raw)
	if err != nil {
		return l, err
	}
	l.hash = hex.EncodeToString(c.Hash())
	return l, nil
}

func (e *tongo) transfer(accounts *[2]tlb.ShardAccount, external string, lt uint64) (string, error) {
	root, err := boc.DeserializeSinglRootBase64(external)
	if err != nil {
		return "", err
	}
	var message tlb.Message
	if err = tlb.Unmarshal(root, &message); err != nil {
		return "", err
	}
	sent, err := e.execute(&accounts[0], message, lt+ltStep)
	if err != nil {
		return "", err
	}
	out := sent.Emulation.Transaction.Msgs.OutMsgs.Values()
	if len(out) != 1 {
		return "", errNotOneMessage
	}
	received, err := e.execute(&accounts[1], out[0].Value, lt+2*ltStep)
	if err != nil {
		return "", err
	}
	return received.Emulation.RawTransaction, nil
}

func (e *tongo) execute(account *tlb.ShardAccount, message tlb.Message, lt uint64) (txemulator.EmulationResult, error) {
	if err := e.emulator.SetLT(lt); err != nil {
		return txemulator.EmulationResult{}, err
	}
	result, err := e.emulator.Emulate(*account, message)
	if err != nil {
		return result, err
	}
	if !result.Success {
		return result, fmt.Errorf("tongo's emulator: %s", result.Error.Text)
	}
	*account = result.Emulation.ShardAccount
	return result, nil
}
