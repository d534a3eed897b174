package localnet

import (
	"container/heap"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// draft is a basechain block being filled: messages go in, transactions and
// further messages come out, in the order of logical time.
type draft struct {
	chain    *Chain
	previous *block
	lanes    map[accountID]*lane // parsed accounts of previous; read, never written
	context  *tvm.BlockContext
	seed     []byte
	utime    uint32

	startLT, endLT uint64
	touched        map[accountID]*touched
	txs            []transaction
	in             *tlb.InMsgDescrAugDict
	out            *tlb.OutMsgDescrAugDict

	waiting  letters // to be delivered in this block
	room     int     // deliveries of internal messages this block still takes
	dequeued []letter
	enqueued []letter
}

// letter is an internal message on its way.
type letter struct {
	cell *cell.Cell
	msg  *tlb.Message
	tx   *cell.Cell // that sent it; nil where an earlier block did
	root int        // which external message of this block it goes back to, or fromQueue
}

// fromQueue is the root of messages that an earlier block left over.
const fromQueue = -1

func (l letter) lt() uint64 { return l.msg.AsInternal().CreatedLT }

// refusal tells that an external message must stay out of the chain because of
// what would follow from it.
type refusal struct {
	root   int
	reason error
}

func (r *refusal) Error() string { return r.reason.Error() }
func (r *refusal) Unwrap() error { return r.reason }

var errDestroyed = errors.New("a transaction would fail its actions and still delete its account, which executors do not agree about")

// newDraft begins the block after previous. A nil map of lanes does, it is slower.
func (c *Chain) newDraft(previous *block, lanes map[accountID]*lane, startLT uint64, utime uint32) (*draft, error) {
	d := &draft{chain: c, previous: previous, lanes: lanes, utime: utime, startLT: startLT, endLT: startLT + 1,
		touched: map[accountID]*touched{}, room: c.deliveries}
	d.seed = randSeed(c.keys.validator, startLT)
	var err1, err2, err3 error
	d.context, err1 = c.config.NewBlockContext(tvm.BlockOptions{Now: utime, BlockLT: int64(startLT), RandSeed: d.seed, GlobalID: c.cfg.GlobalID})
	d.in, err2 = tlb.NewInMsgDescrAugDict()
	d.out, err3 = tlb.NewOutMsgDescrAugDict()
	return d, errors.Join(err1, err2, err3)
}

// fill puts everything into the block: what earlier blocks left over, then the
// external messages, then all that follows.
func (d *draft) fill(left letters, messages []*external) error {
	d.waiting = slices.Clone(left)
	if err := d.deliver(); err != nil {
		return err
	}
	for i, m := range messages {
		if err := d.accept(i, m); err != nil {
			return err
		}
	}
	if err := d.deliver(); err != nil {
		return err
	}
	return d.close()
}

// accept executes an external message and notes what became of it.
func (d *draft) accept(root int, m *external) error {
	m.tx, m.err = nil, errNotAccepted
	prepared, err := tvm.PrepareMessage(m.cell)
	if err != nil {
		return &refusal{root, err}
	}
	if prepared.Message().MsgType != tlb.MsgTypeExternalIn {
		return &refusal{root, errors.New("not an external message")}
	}
	id, err := basechainID(prepared.Message().AsExternalIn().DstAddr)
	if err != nil {
		return &refusal{root, fmt.Errorf("destination: %w", err)}
	}
	result, err := d.execute(id, prepared, root)
	if err != nil || result.TransactionCell == nil {
		return err
	}
	m.tx, m.err = result.TransactionCell, nil
	// msg_import_ext$000 msg:^(Message Any) transaction:^Transaction
	record := cell.BeginCell().MustStoreUInt(0b000, 3).MustStoreRef(m.cell).MustStoreRef(m.tx).EndCell()
	return d.in.Set(bits256(m.cell.HashKey()), record)
}

// deliver brings every waiting message to its account, and every message that
// follows, until none is left or the block is full.
func (d *draft) deliver() error {
	for len(d.waiting) > 0 && d.room > 0 {
		d.room--
		l := heap.Pop(&d.waiting).(letter)
		id, err := basechainID(l.msg.AsInternal().DstAddr)
		if err != nil {
			return err
		}
		prepared, err := tvm.PrepareParsedMessage(l.cell, l.msg)
		if err != nil {
			return err
		}
		result, err := d.execute(id, prepared, l.root)
		if err != nil {
			return err
		}
		if err = d.recordDelivery(l, result.TransactionCell); err != nil {
			return err
		}
	}
	return nil
}

// execute runs one transaction and posts what it sends.
func (d *draft) execute(id accountID, message *tvm.PreparedMessage, root int) (*tvm.TransactionExecutionResult, error) {
	t, err := d.touch(id)
	if err != nil {
		return nil, err
	}
	result, err := d.chain.machine.EmulateTransaction(d.context, t.account, message,
		tvm.TransactionOptions{LogicalTime: int64(max(d.startLT+1, t.endLT)), AccountStorageStat: t.stat})
	if err != nil {
		return nil, &refusal{root, err}
	}
	if result.TransactionCell == nil {
		return result, nil
	}
	if err = d.keep(id, t, result); err != nil {
		return nil, &refusal{root, err}
	}
	for _, sent := range result.OutMessages {
		if err = d.post(letter{sent.Cell, sent.Msg, result.TransactionCell, root}); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// touch returns the account as this block left it so far. An account that gets
// no transaction in the end is not recorded.
func (d *draft) touch(id accountID) (*touched, error) {
	if t := d.touched[id]; t != nil {
		return t, nil
	}
	l := d.lanes[id]
	if l == nil {
		var err error
		if l, err = openLane(d.previous.accounts, id); err != nil {
			return nil, err
		}
	}
	txs, err := tlb.NewAccountTransactionsAugDict()
	if err != nil {
		return nil, err
	}
	return &touched{lane: *l, before: l.account.ShardAccount().Account.Hash(), txs: txs}, nil
}

// keep makes a transaction part of the block.
func (d *draft) keep(id accountID, t *touched, result *tvm.TransactionExecutionResult) error {
	wasActive := t.active()
	t.lane = lane{result.NextAccount, result.AccountStorageStat}
	if wasActive && !t.active() {
		if err := checkDeletion(result); err != nil {
			return err
		}
	}
	lt := result.NextAccount.ShardAccount().LastTransLT
	if err := t.txs.SetIntKey(new(big.Int).SetUint64(lt), cell.BeginCell().MustStoreRef(result.TransactionCell).EndCell()); err != nil {
		return err
	}
	d.touched[id], t.endLT = t, result.EndLT
	d.endLT = max(d.endLT, result.EndLT)
	d.txs = append(d.txs, transaction{id, lt, result.TransactionCell.Hash(), result.TransactionCell})
	return nil
}

// checkDeletion refuses a deletion that the reference executor would have undone:
// the one place where ours is known to leave another state behind.
func checkDeletion(result *tvm.TransactionExecutionResult) error {
	tx, err := result.ParseTransaction()
	if err != nil {
		return err
	}
	if o, ok := tx.Description.(tlb.TransactionDescriptionOrdinary); ok && o.Aborted && o.Destroyed && o.ActionPhase != nil {
		return errDestroyed
	}
	return nil
}
