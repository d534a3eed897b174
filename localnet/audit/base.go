package audit

import (
	"errors"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// base is what a block starts from: the state before it, or the part of it that
// a split left, or two states merged.
type base struct {
	root       *cell.Cell // what its state update is applied to
	shard      shard
	lt, leftLT uint64 // leftLT is of the left one of two
	utime      uint32
	seqno      uint32 // the higher one of two
	accounts   *tlb.ShardAccountsAugDict
	total      money
	fees       money
	queue      queue
	processed  processed
	overload   uint64
	underload  uint64
}

func baseOf(st *state) *base {
	accounts := &tlb.ShardAccountsAugDict{AugmentedDictionary: st.accounts.Copy()}
	return &base{root: st.root, shard: st.shard, lt: st.lt, leftLT: st.lt, utime: st.utime, seqno: st.seqno, accounts: accounts, total: st.total, fees: st.fees,
		queue: st.queue, processed: st.processed, overload: st.overload, underload: st.underload}
}

// split leaves what belongs to s, as ShardState::split of the reference node:
// accounts by their prefix, messages by where they are, half of the fees (what
// does not divide goes right).
func (b *base) split(s shard) error {
	if ok, err := b.accounts.CutPrefixSubdict(prefixCell(s), false); err != nil || !ok {
		return errors.Join(errors.New("cut the accounts"), err)
	}
	var err error
	if b.total, err = rootBalance(b.accounts); err != nil {
		return err
	}
	if b.queue, err = b.queue.part(s); err != nil {
		return err
	}
	n := b.fees.amount()
	b.fees = money{nano: half(n, s.isRight()), other: b.fees.other}
	b.shard, b.processed, b.overload, b.underload = s, b.processed.split(s), 0, 0
	return nil
}

// merge joins the left base with the right: everything is united, fees are added
// (ShardState::merge_with).
func (b *base) merge(right *base) error {
	if ok, err := b.accounts.CombineWith(right.accounts.AugmentedDictionary); err != nil || !ok {
		return errors.Join(errors.New("combine the accounts"), err)
	}
	// split_state#5f327da5 left:^ShardStateUnsplit right:^ShardStateUnsplit
	b.root = cell.BeginCell().MustStoreUInt(0x5f327da5, 32).MustStoreRef(b.root).MustStoreRef(right.root).EndCell()
	b.shard, b.lt, b.utime, b.seqno = b.shard.parent(), max(b.lt, right.lt), max(b.utime, right.utime), max(b.seqno, right.seqno)
	b.total, b.fees = b.total.plus(right.total), b.fees.plus(right.fees)
	b.queue, b.overload, b.underload = b.queue.join(right.queue), 0, 0
	b.processed = b.processed.join(right.processed, b.shard)
	return nil
}
