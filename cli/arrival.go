package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// arrivalTime is how long a message may take from the wallet to its destination.
const arrivalTime = 2 * time.Minute

// reasons are the contracts' exit codes in words (contracts/imports/errors.fc).
var reasons = map[int32]string{
	400: "not from this wallet", 401: "the operator's signature is wrong", 402: "the key is void or its possession not proven",
	403: "signed for another network", 404: "signed for another contract",
	500: "too little value came with it", 501: "the stake is too small", 502: "too little is free", 503: "it is above the operator's allowance",
	504: "the amount is zero or too large", 505: "the bond is too small",
	600: "the phase is over or has not come", 601: "it is too early", 602: "it is too late", 603: "another change came first",
	605: "the worker is retired", 606: "there are too many", 607: "the record is out of bounds", 608: "no terms were taken yet",
	609: "the terms are not those published", 613: "it is paid already", 614: "an epoch is pending",
	624: "the worker's key lies too deep among the others, take another",
}

// refusal is what an exit code of a contract means for who asked.
func refusal(code int32) error {
	kind, why := cocoon.Conflict, reasons[code]
	switch code / 100 {
	case 4:
		kind = cocoon.Forbidden
	case 5:
		kind = cocoon.NoMoney
	}
	if why == "" {
		return kind.Errorf("the contract refused with exit code %d; its value comes back", code)
	}
	return kind.Errorf("the contract refused: %s (exit code %d); its value comes back", why, code)
}

// arrived waits until every message was executed where it went, and tells what
// was refused. A wallet's transaction alone says only that they left.
func (d *desk) arrived(ctx context.Context, s chain.Sent, messages []chain.Message) error {
	ctx, cancel := context.WithTimeout(ctx, arrivalTime)
	defer cancel()
	for _, m := range messages {
		tx, err := d.arrival(ctx, s, m)
		if err != nil {
			return fmt.Errorf("wait until %s got the message of transaction %x: %w", m.To, s.Tx, err)
		}
		if err = verdict(tx, m); err != nil {
			return err
		}
	}
	return nil
}

// arrival is the transaction with which m's destination took it.
func (d *desk) arrival(ctx context.Context, s chain.Sent, m chain.Message) (tx *tlb.Transaction, err error) {
	_, waited := d.client.WaitAccount(ctx, m.To, func(a chain.Account) bool {
		tx, err = d.find(ctx, a, s, m)
		return tx != nil || err != nil
	})
	if err == nil {
		err = waited
	}
	return tx, err
}

// find looks for m among the account's transactions since it was sent; nil where it has not come.
func (d *desk) find(ctx context.Context, a chain.Account, s chain.Sent, m chain.Message) (*tlb.Transaction, error) {
	for lt, hash := a.LastLT, a.LastHash; lt > s.LT; {
		list, err := d.client.Transactions(ctx, a.ID, lt, hash, 16)
		if err != nil {
			return nil, err
		}
		for _, tx := range list {
			if tx.LT > s.LT && d.carried(tx, m) {
				return tx, nil
			}
			lt, hash = tx.PrevTxLT, [32]byte(tx.PrevTxHash)
		}
	}
	return nil, nil
}

// carried reports whether tx executed m.
func (d *desk) carried(tx *tlb.Transaction, m chain.Message) bool {
	if tx.IO.In == nil || tx.IO.In.MsgType != tlb.MsgTypeInternal {
		return false
	}
	in, sent := tx.IO.In.AsInternal(), m.Internal()
	return !in.Bounced && in.SrcAddr.Equals(chain.Address(d.account)) && in.Amount.Nano().Cmp(sent.Amount.Nano()) == 0 && bytes.Equal(in.Body.Hash(), sent.Body.Hash())
}

// verdict is nil where tx did what m asked for. An account without code keeps
// what does not bounce.
func verdict(tx *tlb.Transaction, m chain.Message) error {
	ordinary, ok := tx.Description.(tlb.TransactionDescriptionOrdinary)
	if !ok || !ordinary.Aborted {
		return nil
	}
	if vm, ran := ordinary.ComputePhase.Phase.(tlb.ComputePhaseVM); ran {
		return refusal(vm.Details.ExitCode)
	}
	if !m.Bounce {
		return nil
	}
	return cocoon.Conflict.Errorf("%s did not run; its value comes back", m.To)
}
