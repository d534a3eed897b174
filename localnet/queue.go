package localnet

import (
	"encoding/binary"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// outbox is the queue of a shard's state: messages that wait for a later block.
type outbox struct {
	queue     *tlb.OutMsgQueueAugDict
	processed *cell.Dictionary // ProcessedInfo: up to where the queue was delivered
}

func emptyOutbox() (outbox, error) {
	queue, err := tlb.NewOutMsgQueueAugDict()
	return outbox{queue, cell.NewDict(96)}, err
}

func loadOutbox(root *cell.Cell) (outbox, error) {
	var info tlb.OutMsgQueueInfo
	if err := tlb.Parse(&info, root); err != nil {
		return outbox{}, fmt.Errorf("parse the message queue: %w", err)
	}
	return outbox{info.OutQueue, info.ProcInfo}, nil
}

// cell is OutMsgQueueInfo, without its optional extra part.
func (o outbox) cell() (*cell.Cell, error) {
	queue, err := o.queue.ToCell()
	if err != nil {
		return nil, err
	}
	b := queue.ToBuilder()
	if err = b.StoreDict(o.processed); err != nil {
		return nil, err
	}
	return b.MustStoreBoolBit(false).EndCell(), nil
}

// key of the queue: the workchain and first 64 bits of the destination, the hash.
func (l letter) key() *cell.Cell {
	to := l.msg.AsInternal().DstAddr
	return cell.BeginCell().MustStoreInt(int64(to.Workchain()), 32).MustStoreUInt(binary.BigEndian.Uint64(to.Data()), 64).
		MustStoreSlice(l.cell.Hash(), 256).EndCell()
}

// update takes out what d delivered and puts in what it left over.
func (o outbox) update(d *draft, masterSeqno uint32) error {
	for _, l := range d.dequeued {
		if err := o.queue.Delete(l.key()); err != nil {
			return fmt.Errorf("take a message out of the queue: %w", err)
		}
	}
	for _, l := range d.enqueued {
		envelope, err := l.envelope()
		if err != nil {
			return err
		}
		value, err := tlb.ToCell(tlb.EnqueuedMsg{EnqueuedLT: l.lt(), Msg: envelope})
		if err != nil {
			return err
		}
		if err = o.queue.Set(l.key(), value); err != nil {
			return fmt.Errorf("put a message into the queue: %w", err)
		}
	}
	if len(d.dequeued) == 0 {
		return nil
	}
	return o.markProcessed(d.dequeued[len(d.dequeued)-1], masterSeqno)
}

// markProcessed replaces the mark of how far this shard has read its own queue.
func (o *outbox) markProcessed(last letter, masterSeqno uint32) error {
	entries, err := o.processed.LoadAll()
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, err := e.Key.ToCell()
		if err != nil {
			return err
		}
		if err = o.processed.Delete(key); err != nil {
			return err
		}
	}
	key := cell.BeginCell().MustStoreInt(fullShard, 64).MustStoreUInt(uint64(masterSeqno), 32).EndCell()
	return o.processed.Set(key, cell.BeginCell().MustStoreUInt(last.lt(), 64).MustStoreSlice(last.cell.Hash(), 256).EndCell())
}
