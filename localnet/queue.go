package localnet

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// loadQueue reads the messages that a state holds for later blocks, and its marks.
func loadQueue(workchain int32, root *cell.Cell) (letters, marks, error) {
	var info tlb.OutMsgQueueInfo
	if err := tlb.Parse(&info, root); err != nil {
		return nil, nil, fmt.Errorf("parse the message queue: %w", err)
	}
	items, err := info.OutQueue.RangeExtra(false, false)
	if err != nil {
		return nil, nil, fmt.Errorf("list the message queue: %w", err)
	}
	var queue letters
	for _, item := range items {
		l, err := openEnqueued(item.Value)
		if err != nil {
			return nil, nil, fmt.Errorf("open a message of the queue: %w", err)
		}
		queue = append(queue, l)
	}
	queue.sort()
	ms, err := loadMarks(workchain, info.ProcInfo)
	if err != nil {
		return nil, nil, fmt.Errorf("read how far messages are processed: %w", err)
	}
	return queue, ms, nil
}

// queueCell is OutMsgQueueInfo with the letters that lie in a queue.
func queueCell(ls letters, ms marks) (*cell.Cell, error) {
	tree := newAugTree(352, tlb.AugOutMsgQueue{})
	for _, l := range ls {
		value, err := l.enqueued()
		if err != nil {
			return nil, err
		}
		tree.set(l.rawKey(), value)
	}
	queue, _, err := tree.cell()
	if err != nil {
		return nil, err
	}
	return queueInfo(queue, ms)
}

// queueInfo is OutMsgQueueInfo, without its optional extra part.
func queueInfo(queue *cell.Cell, ms marks) (*cell.Cell, error) {
	processed, err := ms.dict()
	if err != nil {
		return nil, err
	}
	b := queue.ToBuilder()
	if err = b.StoreDict(processed); err != nil {
		return nil, err
	}
	return b.MustStoreBoolBit(false).EndCell(), nil
}
