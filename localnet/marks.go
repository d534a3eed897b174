package localnet

import (
	"bytes"
	"slices"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// mark tells up to where messages were brought into a shard: all those with a
// logical time and hash not above it that the queues held, as the masterchain
// block of a seqno names them (ProcessedUpto).
type mark struct {
	shard shardID
	seqno uint32
	lt    uint64
	hash  cell.Hash
}

var lastHash = cell.Hash(bytes.Repeat([]byte{0xff}, 32))

// before tells whether a message comes after the mark in the order of delivery.
func (m mark) before(lt uint64, hash cell.Hash) bool {
	return m.lt < lt || m.lt == lt && bytes.Compare(m.hash[:], hash[:]) < 0
}

// includes tells whether o says nothing that m does not.
func (m mark) includes(o mark) bool {
	return m.shard.covers(o.shard) && m.seqno >= o.seqno && !m.before(o.lt, o.hash)
}

type marks []mark

// with adds a mark and drops what is included in it.
func (ms marks) with(m mark) marks {
	kept := marks{}
	for _, o := range ms {
		if o.includes(m) {
			return ms
		}
		if !m.includes(o) {
			kept = append(kept, o)
		}
	}
	return append(kept, m)
}

// half are the marks of one half of a shard that was split.
func (ms marks) half(shard shardID) marks {
	kept := marks{}
	for _, m := range ms {
		if m.shard.covers(shard) {
			m.shard = shard
		}
		if shard.covers(m.shard) {
			kept = append(kept, m)
		}
	}
	return kept
}

// minSeqno is the oldest masterchain block that the marks speak of.
func (ms marks) minSeqno() uint32 {
	oldest := uint32(noRef)
	for _, m := range ms {
		oldest = min(oldest, m.seqno)
	}
	return oldest
}

// processed tells whether a message that waits in a queue was brought in
// already. ended tells when the shard of a place had ended by a masterchain block.
func (ms marks) processed(l letter, ended func(seqno uint32, p place) uint64) bool {
	return slices.ContainsFunc(ms, func(m mark) bool {
		if !m.shard.contains(l.next()) || m.before(l.lt(), l.cell.HashKey()) {
			return false
		}
		// what a shard sends to itself it may have read without the masterchain
		return m.shard.contains(l.current()) || l.lt() < ended(m.seqno, l.current())
	})
}

// dict is ProcessedInfo.
func (ms marks) dict() (*cell.Dictionary, error) {
	d := cell.NewDict(96)
	for _, m := range ms {
		key := cell.BeginCell().MustStoreUInt(m.shard.prefix, 64).MustStoreUInt(uint64(m.seqno), 32).EndCell()
		if err := d.Set(key, cell.BeginCell().MustStoreUInt(m.lt, 64).MustStoreSlice(m.hash[:], 256).EndCell()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func loadMarks(workchain int32, d *cell.Dictionary) (marks, error) {
	items, err := d.LoadAll()
	if err != nil {
		return nil, err
	}
	var ms marks
	for _, item := range items {
		prefix, err := item.Key.LoadUInt(64)
		if err != nil {
			return nil, err
		}
		seqno, err := item.Key.LoadUInt(32)
		if err != nil {
			return nil, err
		}
		lt, err := item.Value.LoadUInt(64)
		if err != nil {
			return nil, err
		}
		hash, err := item.Value.LoadSlice(256)
		if err != nil {
			return nil, err
		}
		ms = append(ms, mark{shardID{workchain, prefix}, uint32(seqno), lt, cell.Hash(hash)})
	}
	return ms, nil
}
