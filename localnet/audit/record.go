package audit

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// inTag and outTag name the kinds of InMsg and OutMsg.
type (
	inTag  string
	outTag string
)

const (
	importExt         inTag = "msg_import_ext"
	importIhr         inTag = "msg_import_ihr"
	importImm         inTag = "msg_import_imm"
	importFin         inTag = "msg_import_fin"
	importTr          inTag = "msg_import_tr"
	discardFin        inTag = "msg_discard_fin"
	discardTr         inTag = "msg_discard_tr"
	importDeferredFin inTag = "msg_import_deferred_fin"
	importDeferredTr  inTag = "msg_import_deferred_tr"

	exportExt        outTag = "msg_export_ext"
	exportImm        outTag = "msg_export_imm"
	exportNew        outTag = "msg_export_new"
	exportTr         outTag = "msg_export_tr"
	exportDeq        outTag = "msg_export_deq"
	exportDeqShort   outTag = "msg_export_deq_short"
	exportTrReq      outTag = "msg_export_tr_req"
	exportDeqImm     outTag = "msg_export_deq_imm"
	exportNewDefer   outTag = "msg_export_new_defer"
	exportDeferredTr outTag = "msg_export_deferred_tr"
)

// inbound is one InMsg.
type inbound struct {
	tag      inTag
	cell     hash // of the record, as a re-import refers to it
	msg      *message
	env, out *envelope // what came in; what went on, for transit
	tx       *hash     // nil where it only passes through
	fee      *big.Int  // fwd_fee or transit_fee
}

var inTags = map[string]inTag{"000": importExt, "010": importIhr, "011": importImm, "100": importFin, "101": importTr,
	"110": discardFin, "111": discardTr, "00100": importDeferredFin, "00101": importDeferredTr}

var errRare = errors.New("IHR and discarded messages are not in use")

func loadInbound(s *cell.Slice) (*inbound, error) {
	c, err := s.Copy().ToCell()
	if err != nil {
		return nil, err
	}
	r := &inbound{cell: c.HashKey(), fee: new(big.Int)}
	tag, err := loadTag(s, map[uint64]uint{0b001: 5})
	if err != nil {
		return nil, err
	}
	var known bool
	if r.tag, known = inTags[tag]; !known {
		return nil, fmt.Errorf("unknown kind %s", tag)
	}
	switch r.tag {
	case importIhr, discardFin, discardTr:
		return nil, errRare
	case importExt:
		msg, err := s.LoadRefCell()
		if err != nil {
			return nil, err
		}
		if r.msg, err = loadMessage(msg); err != nil {
			return nil, err
		}
		r.tx, err = loadTx(s)
		return r, err
	}
	if r.env, err = nextEnvelope(s); err != nil {
		return nil, err
	}
	r.msg = r.env.msg
	if r.tag == importTr || r.tag == importDeferredTr {
		r.out, err = nextEnvelope(s)
	} else {
		r.tx, err = loadTx(s)
	}
	if err == nil && r.tag != importDeferredTr {
		r.fee, err = s.LoadBigCoins()
	}
	return r, err
}

// outbound is one OutMsg.
type outbound struct {
	tag      outTag
	msg      *message  // nil for msg_export_deq_short
	env      *envelope // what was exported, or taken out of the queue
	envelope hash      // its hash
	tx       *hash     // that sent it
	imported *inbound  // the record of how it came in
	next     place     // of msg_export_deq_short
	importLT uint64    // end_lt of the block that imported it, for what a neighbour took
}

var outTags = map[string]outTag{"000": exportExt, "010": exportImm, "001": exportNew, "011": exportTr, "1100": exportDeq,
	"1101": exportDeqShort, "111": exportTrReq, "100": exportDeqImm, "10100": exportNewDefer, "10101": exportDeferredTr}

func loadOutbound(s *cell.Slice) (*outbound, error) {
	tag, err := loadTag(s, map[uint64]uint{0b101: 5, 0b110: 4})
	if err != nil {
		return nil, err
	}
	r := &outbound{}
	var known bool
	if r.tag, known = outTags[tag]; !known {
		return nil, fmt.Errorf("unknown kind %s", tag)
	}
	switch r.tag {
	case exportExt:
		msg, err := s.LoadRefCell()
		if err != nil {
			return nil, err
		}
		if r.msg, err = loadMessage(msg); err != nil {
			return nil, err
		}
		r.tx, err = loadTx(s)
		return r, err
	case exportDeqShort:
		return r, r.loadShort(s)
	}
	if r.env, err = nextEnvelope(s); err != nil {
		return nil, err
	}
	r.msg, r.envelope = r.env.msg, r.env.hash
	switch r.tag {
	case exportDeq:
		r.importLT, err = s.LoadUInt(63)
		return r, err
	case exportImm, exportNew, exportNewDefer:
		if r.tx, err = loadTx(s); err != nil || r.tag != exportImm {
			return r, err
		}
	}
	imported, err := s.LoadRef()
	if err != nil {
		return nil, err
	}
	r.imported, err = loadInbound(imported)
	return r, err
}

func (r *outbound) loadShort(s *cell.Slice) error {
	if err := s.LoadSliceInto(r.envelope[:], 256); err != nil {
		return err
	}
	workchain, err1 := s.LoadInt(32)
	prefix, err2 := s.LoadUInt(64)
	lt, err3 := s.LoadUInt(64)
	r.next, r.importLT = place{int32(workchain), prefix}, lt
	return errors.Join(err1, err2, err3)
}

// key in the queue of what was put in or taken out.
func (r *outbound) key(msg hash) queueKey {
	if r.tag == exportDeqShort {
		return queueKey{r.next, msg}
	}
	return r.env.key()
}

// loadTag reads three bits, or as many as kinds that begin with them have.
func loadTag(s *cell.Slice, longer map[uint64]uint) (string, error) {
	first, err := s.PreloadUInt(3)
	if err != nil {
		return "", err
	}
	n := max(3, longer[first])
	bits, err := s.LoadUInt(n)
	return fmt.Sprintf("%0*b", int(n), bits), err
}

func nextEnvelope(s *cell.Slice) (*envelope, error) {
	c, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	return loadEnvelope(c)
}

func loadTx(s *cell.Slice) (*hash, error) {
	c, err := s.LoadRefCell()
	if err != nil {
		return nil, err
	}
	h := c.HashKey()
	return &h, nil
}
