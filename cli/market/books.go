package market

import (
	"context"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	told "github.com/cocoon-network/cocoon/protocol/market"
)

// ledger adds up what contracts received, paid and burnt, transaction by
// transaction, as the chain proves them. It asks no indexer.
type ledger struct {
	ours                       map[cocoon.Account]bool
	received, paid, fees, held *big.Int
}

// History is what an audit needs of the chain.
type History interface {
	Head(ctx context.Context) (*chain.BlockID, error)
	AccountAt(ctx context.Context, block *chain.BlockID, a cocoon.Account) (chain.Account, error)
	Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error)
}

// Audit reads every transaction of the contracts up to one block, and their balances at it.
func Audit(ctx context.Context, h History, block *chain.BlockID, contracts map[string]cocoon.Account) (told.Money, error) {
	l := ledger{ours: map[cocoon.Account]bool{}, received: new(big.Int), paid: new(big.Int), fees: new(big.Int), held: new(big.Int)}
	for _, a := range contracts {
		l.ours[a] = true
	}
	for name, a := range contracts {
		if err := l.read(ctx, h, block, a); err != nil {
			return told.Money{}, fmt.Errorf("audit %s: %w", name, err)
		}
	}
	return l.money()
}

func (l *ledger) read(ctx context.Context, h History, block *chain.BlockID, a cocoon.Account) error {
	acc, err := h.AccountAt(ctx, block, a)
	if err != nil {
		return err
	}
	l.held.Add(l.held, acc.Balance.Big())
	for lt, hash := acc.LastLT, acc.LastHash; lt != 0; {
		list, err := h.Transactions(ctx, a, lt, hash, 16)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("the history of %s breaks off before lt %d", a, lt)
		}
		for _, tx := range list {
			if err = l.book(tx); err != nil {
				return err
			}
			lt, hash = tx.PrevTxLT, [32]byte(tx.PrevTxHash)
		}
	}
	return nil
}

// book adds one transaction: value that crossed the border of our contracts,
// and the fees of the transaction and of the messages it sent.
func (l *ledger) book(tx *tlb.Transaction) error {
	l.fees.Add(l.fees, tx.TotalFees.Coins.Nano())
	if tx.IO.In != nil {
		if in, ok := tx.IO.In.Msg.(*tlb.InternalMessage); ok {
			if from, err := chain.AccountOf(in.SrcAddr); err != nil || !l.ours[from] {
				l.received.Add(l.received, in.Amount.Nano())
			}
		}
	}
	if tx.IO.Out == nil {
		return nil
	}
	out, err := tx.IO.Out.ToSlice()
	if err != nil {
		return err
	}
	for i := range out {
		m, ok := out[i].Msg.(*tlb.InternalMessage)
		if !ok {
			continue
		}
		l.fees.Add(l.fees, m.FwdFee.Nano())
		if to, err := chain.AccountOf(m.DstAddr); err != nil || !l.ours[to] {
			l.paid.Add(l.paid, m.Amount.Nano())
		}
	}
	return nil
}

func (l *ledger) money() (m told.Money, err error) {
	for _, f := range []struct {
		from *big.Int
		to   *cocoon.Nano
	}{{l.received, &m.Received}, {l.paid, &m.Paid}, {l.fees, &m.Fees}, {l.held, &m.Held}} {
		if *f.to, err = cocoon.NanoFromBig(f.from); err != nil {
			return m, err
		}
	}
	sum := new(big.Int).Add(l.paid, l.fees)
	if sum.Add(sum, l.held).Cmp(l.received) != 0 {
		return m, fmt.Errorf("the books do not balance: received %s, paid %s, fees %s, held %s", m.Received.Text(), m.Paid.Text(), m.Fees.Text(), m.Held.Text())
	}
	return m, nil
}
