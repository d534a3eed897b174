package localnet

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// horizon is how far a laggard sees.
type horizon struct {
	head, applied *ton.BlockIDExt   // the newest masterchain block it has; the one its shard client is at
	tops          []*ton.BlockIDExt // shard blocks of applied
}

func (h horizon) knows(id *ton.BlockIDExt) bool {
	if id.Workchain == -1 {
		return id.SeqNo <= h.head.SeqNo
	}
	top := h.top(id)
	return top == nil || id.SeqNo <= top.SeqNo
}

// top is the applied block of a shard that has accounts in common with a block's.
func (h horizon) top(id *ton.BlockIDExt) *ton.BlockIDExt {
	for _, top := range h.tops {
		if top.Workchain == id.Workchain && intersect(uint64(top.Shard), uint64(id.Shard)) {
			return top
		}
	}
	return nil
}

// intersect tells whether one of two shards is a part of the other.
func intersect(a, b uint64) bool {
	bit := max(a&-a, b&-b)
	return (a^b)&(-bit<<1) == 0
}

// refuse says of a block beyond the horizon what the reference server says, to
// the letter: clients tell by code and text whether to ask another server.
func (h horizon) refuse(query tl.Serializable, id *ton.BlockIDExt) ton.LSError {
	switch q := query.(type) {
	case ton.GetBlockData, ton.GetBlockHeader, ton.GetState:
		return ton.LSError{Code: codeNotFound, Text: h.missing(id, shortID(id), "block handle")}
	case ton.LookupBlock:
		what, value := "seqno", uint64(uint32(q.ID.Seqno))
		switch {
		case q.Mode&2 != 0:
			what, value = "lt", q.LT
		case q.Mode&4 != 0:
			what, value = "utime", uint64(q.UTime)
		}
		return ton.LSError{Code: codeNotFound, Text: fmt.Sprintf("cannot find block (%d,%016x) %s=%d: %s",
			q.ID.Workchain, uint64(q.ID.Shard), what, value, h.missing(id, nameOf(id), what))}
	case ton.GetTransactions:
		return ton.LSError{Code: codeBadQuery, Text: "cannot compute block with specified transaction: " + h.missing(id, nameOf(id), "lt")}
	case ton.GetBlockProof:
		return ton.LSError{Code: codeBadQuery, Text: fmt.Sprintf("client knows block %s newer than the reference masterchain block %s", nameOf(id), nameOf(h.head))}
	}
	return ton.LSError{Code: codeNotFound, Text: fmt.Sprintf("cannot load block %s : %s", nameOf(id), h.missing(id, shortID(id), "block handle"))}
}

// missing tells why a block is not there. One that the masterchain the server
// knows speaks of has arrived; it waits for the shard client.
func (h horizon) missing(id *ton.BlockIDExt, name, index string) string {
	if id.Workchain == -1 {
		return fmt.Sprintf("%s not in db (last known masterchain block: %d)", index, h.head.SeqNo)
	}
	why := index + " not in db"
	if h.applied.SeqNo < h.head.SeqNo {
		why = fmt.Sprintf("block %s is not applied", name)
	}
	return fmt.Sprintf("%s (possibly out of sync: shard_client_seqno=%d ls_seqno=%d)", why, h.applied.SeqNo, h.head.SeqNo)
}

func shortID(id *ton.BlockIDExt) string {
	return fmt.Sprintf("(%d,%016x,%d)", id.Workchain, uint64(id.Shard), id.SeqNo)
}

func nameOf(id *ton.BlockIDExt) string {
	return fmt.Sprintf("%s:%X:%X", shortID(id), id.RootHash, id.FileHash)
}
