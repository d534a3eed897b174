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

// block is one block with the state after it. It never changes once it is made.
// A zerostate counts as block 0; it has no root.
type block struct {
	shard          shardID
	id             *ton.BlockIDExt
	root           *cell.Cell
	boc            []byte // what file_hash was taken of
	state          *cell.Cell
	accounts       *tlb.ShardAccountsAugDict // of state
	startLT, endLT uint64
	utime          uint32
	minRef         uint32        // min_ref_mc_seqno
	txs            []transaction // by account, then lt
	fees           *big.Int      // collected by this block
	validatorFees  *big.Int      // collected by this block and all before it
	made           *big.Int      // minted less burned by hand
	queue          letters       // of state, by lt
	marks          marks         // of state
	master         uint32        // seqno of the masterchain block it came under, its own in the masterchain
	flags          flags
	load           load   // of state
	catchain       uint32 // gen_catchain_seqno: one more with each merge

	*commitment // of masterchain blocks only
}

// flags are what a shard's block says of splits and merges.
type flags struct {
	beforeSplit, afterSplit, afterMerge, wantSplit, wantMerge bool
}

// commitment is what a masterchain block adds: it names the newest blocks of all
// shards, and holds what rules the next round.
type commitment struct {
	key       bool
	lastKey   *tlb.ExtBlkRef // before this block; nil before the first
	tops      []*top         // by shard
	signature []byte
	rules     *rules
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

// topOf is the newest block of the shard that contains a place.
func (b *block) topOf(p place) *top {
	for _, t := range b.tops {
		if t.block.shard.contains(p) {
			return t
		}
	}
	return nil
}

// endLTOf is when the shard of a place had ended by this masterchain block.
func (b *block) endLTOf(p place) uint64 {
	if p.workchain == masterchainID {
		return b.endLT
	}
	if t := b.topOf(p); t != nil {
		return t.block.endLT
	}
	return 0
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

func newID(shard shardID, seqno uint32, root *cell.Cell, boc []byte) *ton.BlockIDExt {
	file := sha256.Sum256(boc)
	return &ton.BlockIDExt{Workchain: shard.workchain, Shard: int64(shard.prefix), SeqNo: seqno, RootHash: root.Hash(), FileHash: file[:]}
}
