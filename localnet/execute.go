package localnet

import (
	"encoding/binary"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// accept executes an external message and notes what became of it.
func (d *draft) accept(root int, m *external) error {
	m.tx, m.err = nil, errNotAccepted
	prepared, err := tvm.PrepareMessage(m.cell)
	if err != nil {
		return &refusal{root, err}
	}
	result, err := d.execute(m.to.accountID, prepared, root)
	if err != nil || result.TransactionCell == nil {
		return err
	}
	m.tx, m.err = result.TransactionCell, nil
	// msg_import_ext$000 msg:^(Message Any) transaction:^Transaction
	d.in.set(m.cell.Hash(), cell.BeginCell().MustStoreUInt(0b000, 3).MustStoreRef(m.cell).MustStoreRef(m.tx))
	return nil
}

// deliver brings a message to its account.
func (d *draft) deliver(l letter) error {
	id, err := parseAddress(l.msg.DstAddr)
	if err != nil {
		return err
	}
	prepared, err := tvm.PrepareParsedMessage(l.cell, &tlb.Message{MsgType: tlb.MsgTypeInternal, Msg: l.msg})
	if err != nil {
		return err
	}
	result, err := d.execute(id.accountID, prepared, l.root)
	if err != nil {
		return err
	}
	return d.recordDelivery(l, result.TransactionCell)
}

// execute runs one transaction and posts what it sends.
func (d *draft) execute(id accountID, message *tvm.PreparedMessage, root int) (*tvm.TransactionExecutionResult, error) {
	t, err := d.touch(id)
	if err != nil {
		return nil, err
	}
	result, err := d.machine.EmulateTransaction(d.context, t.account, message, d.options(t))
	if err != nil {
		return nil, &refusal{root, err}
	}
	if result.TransactionCell == nil {
		return result, nil
	}
	return result, d.take(id, t, result, root)
}

// options of an account's next transaction. What is sent from outside comes
// after what was brought in, so that messages stay in order.
func (d *draft) options(t *touched) tvm.TransactionOptions {
	lt := max(d.startLT+1, t.endLT)
	if d.last != nil {
		lt = max(lt, d.last.lt()+1)
	}
	return tvm.TransactionOptions{LogicalTime: int64(lt), AccountStorageStat: t.stat}
}

// take makes a transaction part of the block and posts what it sent.
func (d *draft) take(id accountID, t *touched, result *tvm.TransactionExecutionResult, root int) error {
	if err := d.keep(id, t, result, root); err != nil {
		return err
	}
	for _, sent := range result.OutMessages {
		if err := d.post(sent, result.TransactionCell, root); err != nil {
			return err
		}
	}
	return nil
}

// touch returns the account as this block left it so far. An account that gets
// no transaction in the end is not recorded.
func (d *draft) touch(id accountID) (*touched, error) {
	if t := d.touched[id]; t != nil {
		return t, d.renew(t)
	}
	l, err := openLane(d.accounts, id.in(d.shard.workchain))
	if err != nil {
		return nil, err
	}
	l.stat = d.stats[id]
	return &touched{lane: *l, before: l.account.ShardAccount().Account.Hash(), txs: newAugTree(64, tlb.AugAccountTransactions{})}, nil
}

// renew readies an account for another transaction of the same block.
func (d *draft) renew(t *touched) error {
	if !t.used {
		return nil
	}
	entry := *t.account.ShardAccount()
	entry.Account = d.cleaner.clean(entry.Account)
	prepared, err := tvm.PrepareAccount(&entry, t.account.Address())
	if err != nil {
		return err
	}
	t.account, t.used = prepared, false
	return nil
}

// keep makes a transaction part of the block.
func (d *draft) keep(id accountID, t *touched, result *tvm.TransactionExecutionResult, root int) error {
	wasActive := t.active()
	t.lane, t.used = lane{result.NextAccount, result.AccountStorageStat}, true
	if wasActive && !t.active() {
		if err := d.checkDeletion(result, root); err != nil {
			return err
		}
	}
	lt := result.NextAccount.ShardAccount().LastTransLT
	t.txs.set(binary.BigEndian.AppendUint64(nil, lt), cell.BeginCell().MustStoreRef(result.TransactionCell))
	d.touched[id], t.endLT = t, result.EndLT
	d.endLT = max(d.endLT, result.EndLT)
	d.txs = append(d.txs, transaction{id, lt, result.TransactionCell.Hash(), result.TransactionCell})
	return nil
}

// checkDeletion refuses a deletion that the reference executor would have undone:
// the one place where ours is known to leave another state behind. Where no
// external message of this block is to blame it can only be told.
func (d *draft) checkDeletion(result *tvm.TransactionExecutionResult, root int) error {
	tx, err := result.ParseTransaction()
	if err != nil {
		return err
	}
	deleted := false
	switch o := tx.Description.(type) {
	case tlb.TransactionDescriptionOrdinary:
		deleted = o.Aborted && o.Destroyed && o.ActionPhase != nil
	case tlb.TransactionDescriptionTickTock:
		deleted = o.Aborted && o.Destroyed && o.ActionPhase != nil
	}
	if !deleted {
		return nil
	}
	if root == noRoot {
		d.chain.log.Warn(errDestroyed.Error(), "account", fmt.Sprintf("%x", tx.AccountAddr), "lt", tx.LT)
		return nil
	}
	return &refusal{root, errDestroyed}
}
