package audit

import (
	"encoding/binary"
	"slices"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// toyBlock is a block before it is written; a fault may change anything in it.
type toyBlock struct {
	shard                               shard
	seqno, utime, catchain              uint32
	start, end                          uint64
	afterSplit, afterMerge, beforeSplit bool
	wantSplit, wantMerge, key           bool
	prev                                []*toyState
	base                                *toyState
	reference                           ref
	neighbours                          []*neighbour

	in       map[hash]*cell.Cell
	out      map[hash]*cell.Cell
	txs      map[[32]byte][]toyTx
	state    *toyState
	claim    mark
	flow     toyFlow
	tops     map[shard]*descr // of the masterchain
	minRef   uint32
	hashOf   uint32 // validators
	keySeqno uint32
	lastKey  *ref
	supply   int64
	noFees   bool // leaves shard_fees out

	sent []toyMail
	left int
}

type toyTx struct {
	lt       uint64
	prev     toyAccount
	in       *cell.Cell
	out      []*cell.Cell
	old, new hash
	now      uint32
	cell     *cell.Cell
}

type toyFlow struct{ from, to, imported, exported, fees, feesImported, minted, txFees, inFees int64 }

type toyMail struct {
	msg  *message
	cell *cell.Cell
	tx   *cell.Cell
}

const (
	toyTxFee  = 1000
	toyMsgFee = 6553600 // of which 65536ths are whole numbers
)

func (c *toy) begin(prev *toyState, s shard) *toyBlock {
	c.lt = (c.lt/1_000_000 + 1) * 1_000_000
	b := &toyBlock{shard: s, seqno: prev.seqno + 1, utime: c.utime, start: c.lt, prev: []*toyState{prev}, base: prev, reference: c.master.ref,
		in: map[hash]*cell.Cell{}, out: map[hash]*cell.Cell{}, txs: map[[32]byte][]toyTx{}, end: c.lt + 1, left: c.room}
	for of, d := range c.tops {
		switch {
		case of.covers(s):
			b.catchain = d.nextCatchain
		case s.isParentOf(of):
			b.catchain = max(b.catchain, d.nextCatchain+1)
		}
	}
	return b
}

// execute makes the transaction of a message: the account passes part of what
// came on to up to two others.
func (c *toy) execute(b *toyBlock, who address, in *cell.Cell, nano int64) *cell.Cell {
	a := b.state.accounts[who.id]
	tx := toyTx{lt: b.end, prev: a, in: in, old: accountHash(a), now: b.utime}
	if bitOf(in, 0) == 0 {
		a.nano += nano
	}
	a.nano -= toyTxFee
	var mails []toyMail
	for i := range []int{0, 0, 1, 2}[c.random.IntN(4)] {
		to := c.people[c.random.IntN(len(c.people))]
		value := nano / 3
		msg := c.message(who, to, value, tx.lt+uint64(i)+1, b.utime)
		a.nano -= value + toyMsgFee
		tx.out = append(tx.out, msg)
		parsed, err := loadMessage(msg)
		require.NoError(c.t, err)
		mails = append(mails, toyMail{msg: parsed, cell: msg})
	}
	a.last, a.end = tx.lt, tx.lt+uint64(len(tx.out))+1
	b.end = a.end
	a.cell = accountCell(who, a)
	tx.new = a.cell.HashKey()
	tx.cell = tx.build(who)
	a.lastHash = tx.cell.HashKey()
	b.state.accounts[who.id] = a
	b.txs[who.id] = append(b.txs[who.id], tx)
	b.flow.txFees += toyTxFee
	for _, m := range mails {
		m.tx = tx.cell
		b.sent = append(b.sent, m)
	}
	return tx.cell
}

func (b *toyBlock) masterSeqno() uint32 {
	if b.shard.workchain == masterchain {
		return b.seqno
	}
	return b.reference.seqno
}

// finish fills a block, spoils it if it is to be spoiled, and writes it.
func (c *toy) finish(b *toyBlock) {
	c.fill(b)
	c.settle(b)
	if c.fault != nil {
		c.fault(b)
	}
	c.write(b, nil, nil)
	c.heads[b.shard] = b.state
	c.fresh[b.shard] = append(c.fresh[b.shard], b)
}

// settle computes what follows from the content of a block.
func (c *toy) settle(b *toyBlock) {
	st := b.state
	b.end = max(b.end, b.start+1)
	c.lt = b.end
	st.ref = ref{shard: b.shard, seqno: b.seqno, endLT: b.end}
	st.utime = b.utime
	if b.claim.lt != 0 {
		st.processed = processed{b.shard, append(slices.Clone(st.processed.marks), b.claim)}.reduced()
	}
	b.minRef = min(b.masterSeqno(), st.processed.oldestMaster())
	st.over, st.under = b.base.over<<1, b.base.under<<1
	switch {
	case !c.shrink && b.shard.length() < 2:
		st.over |= 1
	case c.shrink && b.shard.length() > 0:
		st.under |= 1
	}
	b.wantSplit = weight(st.over) >= 0
	b.wantMerge = !b.wantSplit && weight(st.under) >= 0
	b.flow.from, b.flow.to = b.base.sum(), st.sum()
	b.flow.fees = b.flow.txFees + b.flow.inFees + b.flow.feesImported
	st.fees = b.base.fees + b.flow.fees
	b.hashOf = c.validators[b.shard.workchain == masterchain]
	b.keySeqno = min(b.reference.seqno, 1)
}

func (st *toyState) sum() (n int64) {
	for _, a := range st.accounts {
		n += a.nano
	}
	return n
}

func keyOf(k queueKey) []byte {
	raw := binary.BigEndian.AppendUint32(nil, uint32(k.next.workchain))
	return append(binary.BigEndian.AppendUint64(raw, k.next.prefix), k.msg[:]...)
}
