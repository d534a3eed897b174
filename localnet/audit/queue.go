package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// queueKey is the key of OutMsgQueue: where the message goes next, and its hash.
type queueKey struct {
	next place
	msg  hash
}

func (k queueKey) String() string { return fmt.Sprintf("%s to %s", k.msg, k.next) }

// enqueued is a message that waits in a queue.
type enqueued struct {
	*envelope
	enqueuedLT uint64
}

// earlier is the order in which messages are taken in: by emitted lt, then hash.
func earlier(lt uint64, h hash, thanLT uint64, than hash) bool {
	if lt != thanLT {
		return lt < thanLT
	}
	return bytes.Compare(h[:], than[:]) < 0
}

// queue is OutMsgQueue. It never changes once it is made.
type queue map[queueKey]enqueued

// part is what a split leaves to s: messages that are in it at present
// (filter_out_msg_queue of the reference node).
func (q queue) part(s shard) (queue, error) {
	part := queue{}
	for k, e := range q {
		if !s.parent().contains(e.at()) {
			return nil, fmt.Errorf("message %s is at %s, out of shard %s", k, e.at(), s.parent())
		}
		if s.contains(e.at()) {
			part[k] = e
		}
	}
	return part, nil
}

func (q queue) join(o queue) queue {
	sum := maps.Clone(q)
	maps.Copy(sum, o)
	return sum
}

// loadQueue reads out_queue:OutMsgQueue proc_info:ProcessedInfo extra:(Maybe OutMsgQueueExtra).
func (st *state) loadQueue(s *cell.Slice) (err error) {
	st.queue = queue{}
	dict := aug[uint64]{name: "out_queue", bits: 352, add: func(a, b uint64) uint64 { return min(a, b) },
		load: func(s *cell.Slice) (uint64, error) { return s.LoadUInt(64) }, equal: func(a, b uint64) bool { return a == b },
		leaf: func(key []byte, value *cell.Slice) (uint64, error) {
			e, err := loadEnqueued(value)
			if err != nil {
				return 0, err
			}
			return e.emitted, st.enqueue(key, e)
		}}
	if _, err = dict.check(s); err != nil {
		return err
	}
	if st.processed, err = loadProcessed(s, st.shard); err != nil {
		return fmt.Errorf("proc_info: %w", err)
	}
	extra, err := s.LoadBoolBit()
	if err != nil || !extra {
		return err
	}
	return st.loadQueueExtra(s)
}

var errDeferred = errors.New("deferred messages are not audited: the dispatch queue must be empty")

// loadQueueExtra reads out_msg_queue_extra#0 dispatch_queue out_queue_size:(Maybe uint48).
func (st *state) loadQueueExtra(s *cell.Slice) error {
	if tag, err := s.LoadUInt(4); err != nil || tag != 0 {
		return errors.Join(errors.New("out_msg_queue_extra"), err)
	}
	deferred, err1 := s.LoadBoolBit()
	if deferred {
		return errDeferred
	}
	_, err2 := s.LoadUInt(64)
	known, err3 := s.LoadBoolBit()
	if err := errors.Join(err1, err2, err3); err != nil || !known {
		return err
	}
	size, err := s.LoadUInt(48)
	if err == nil && size != uint64(len(st.queue)) {
		return fmt.Errorf("out_queue_size is %d, the queue has %d", size, len(st.queue))
	}
	return err
}

// loadEnqueued reads enqueued_lt:uint64 out_msg:^MsgEnvelope.
func loadEnqueued(s *cell.Slice) (enqueued, error) {
	lt, err := s.LoadUInt(64)
	if err != nil {
		return enqueued{}, err
	}
	env, err := nextEnvelope(s)
	return enqueued{env, lt}, err
}

// enqueue sees that the message lies under the key its envelope makes, and that
// it is in this shard at present.
func (st *state) enqueue(raw []byte, e enqueued) error {
	key := queueKey{next: place{int32(binary.BigEndian.Uint32(raw)), binary.BigEndian.Uint64(raw[4:])}, msg: hash(raw[12:])}
	if want := e.key(); key != want {
		return fmt.Errorf("its envelope belongs under %s", want)
	}
	if !st.shard.contains(e.at()) {
		return fmt.Errorf("the message is at %s, out of shard %s", e.at(), st.shard)
	}
	if e.emitted > e.enqueuedLT {
		return fmt.Errorf("emitted at %d after it was enqueued at %d", e.emitted, e.enqueuedLT)
	}
	st.queue[key] = e
	return nil
}
