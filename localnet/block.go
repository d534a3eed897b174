package localnet

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"sort"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// fullShard is the shard that spans a whole workchain.
const fullShard = -1 << 63

// block is one block with the state after it. It never changes once it is made.
// The zerostate counts as block 0; it has no root.
type block struct {
	id             *ton.BlockIDExt
	root           *cell.Cell
	boc            []byte // what file_hash was taken of
	state          *cell.Cell
	accounts       *tlb.ShardAccountsAugDict // of state
	startLT, endLT uint64
	utime          uint32
	key            bool
	txs            []transaction // by account, then lt
	fees           *big.Int      // collected by this block
	validatorFees  *big.Int      // collected by this block and all before it

	// Of masterchain blocks only.
	top       *block // the newest shard block it refers to
	signature []byte
}

type transaction struct {
	account accountID
	lt      uint64
	hash    []byte
	cell    *cell.Cell
}

func (t transaction) before(account accountID, lt uint64) bool {
	if c := bytes.Compare(t.account[:], account[:]); c != 0 {
		return c < 0
	}
	return t.lt < lt
}

// from is the index of the first transaction at or after a place.
func (b *block) from(account accountID, lt uint64) int {
	return sort.Search(len(b.txs), func(i int) bool { return !b.txs[i].before(account, lt) })
}

func (b *block) transaction(account accountID, lt uint64) (transaction, bool) {
	if i := b.from(account, lt); i < len(b.txs) && b.txs[i].account == account && b.txs[i].lt == lt {
		return b.txs[i], true
	}
	return transaction{}, false
}

func (b *block) ref() tlb.ExtBlkRef {
	return tlb.ExtBlkRef{EndLt: b.endLT, SeqNo: b.id.SeqNo, RootHash: b.id.RootHash, FileHash: b.id.FileHash}
}

// loadAccount is an account's entry, nil where there is none.
func loadAccount(accounts *tlb.ShardAccountsAugDict, id accountID) (*tlb.ShardAccount, error) {
	value, err := accounts.LoadValue(id.key())
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var a tlb.ShardAccount
	if err = tlb.LoadFromCell(&a, value); err != nil {
		return nil, err
	}
	return &a, nil
}

func newID(workchain int32, seqno uint32, root *cell.Cell, boc []byte) *ton.BlockIDExt {
	file := sha256.Sum256(boc)
	return &ton.BlockIDExt{Workchain: workchain, Shard: fullShard, SeqNo: seqno, RootHash: root.Hash(), FileHash: file[:]}
}

// line is the growing chain of blocks of one shard. Only the maker of blocks touches it.
type line struct {
	workchain int32
	blocks    []*block            // by seqno
	lanes     map[accountID]*lane // accounts as they are after the last block, parsed
	queue     letters             // left over for the next block
}

func newLine(zero *block) *line {
	return &line{workchain: zero.id.Workchain, blocks: []*block{zero}, lanes: map[accountID]*lane{}}
}

func (l *line) last() *block { return l.blocks[len(l.blocks)-1] }

// mark returns a way back to how the line is now.
func (l *line) mark() (undo func()) {
	blocks, queue := l.blocks, l.queue
	return func() { l.blocks, l.queue, l.lanes = blocks, queue, map[accountID]*lane{} }
}

// lanesKept bounds the memory spent on parsed accounts.
const lanesKept = 1 << 14

func (l *line) append(b *block, d *draft) {
	l.blocks, l.queue = append(l.blocks, b), d.leftover()
	if len(l.lanes) > lanesKept {
		l.lanes = map[accountID]*lane{}
	}
	for id, t := range d.touched {
		if t.gone() {
			delete(l.lanes, id)
			continue
		}
		l.lanes[id] = &t.lane
	}
}
