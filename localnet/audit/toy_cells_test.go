package audit

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func nano(n int64) *big.Int { return big.NewInt(n) }

func storeMoney(b *cell.Builder, amounts ...int64) *cell.Builder {
	for _, n := range amounts {
		b.MustStoreBigCoins(nano(n)).MustStoreBoolBit(false)
	}
	return b
}

func storeAddress(b *cell.Builder, a address) *cell.Builder {
	return b.MustStoreUInt(0b100, 3).MustStoreInt(int64(a.workchain), 8).MustStoreSlice(a.id[:], 256)
}

func storeRef(b *cell.Builder, r ref) *cell.Builder {
	return b.MustStoreUInt(r.endLT, 64).MustStoreUInt(uint64(r.seqno), 32).MustStoreSlice(r.root[:], 256).MustStoreSlice(r.file[:], 256)
}

func storeShard(b *cell.Builder, s shard) *cell.Builder {
	return b.MustStoreUInt(0, 2).MustStoreUInt(uint64(s.length()), 6).MustStoreInt(int64(s.workchain), 32).MustStoreUInt(s.prefix^s.low(), 64)
}

func record(tag uint64, bits uint, first *cell.Cell) *cell.Builder {
	return cell.BeginCell().MustStoreUInt(tag, bits).MustStoreRef(first)
}

// message is int_msg_info$0 without init and body.
func (c *toy) message(from, to address, value int64, lt uint64, at uint32) *cell.Cell {
	b := storeAddress(storeAddress(cell.BeginCell().MustStoreUInt(0b0100, 4), from), to)
	m := storeMoney(b, value).MustStoreBigCoins(nano(0)).MustStoreBigCoins(nano(toyMsgFee)).MustStoreUInt(lt, 64).MustStoreUInt(uint64(at), 32).
		MustStoreUInt(0, 2).EndCell()
	c.messages[m.HashKey()] = m
	return m
}

func (c *toy) envelope(cur, next int, fee int64, msg *cell.Cell) *cell.Cell {
	env := cell.BeginCell().MustStoreUInt(4, 4).MustStoreUInt(uint64(cur), 8).MustStoreUInt(uint64(next), 8).MustStoreBigCoins(nano(fee)).MustStoreRef(msg).EndCell()
	c.envelopes[env.HashKey()] = env
	return env
}

// accountCell is an account without code: account$1 addr storage_stat storage.
func accountCell(who address, a toyAccount) *cell.Cell {
	b := storeAddress(cell.BeginCell().MustStoreBoolBit(true), who)
	b.MustStoreUInt(0, 3+3+3+32+1) // used, storage_extra, last_paid, due_payment
	storeMoney(b.MustStoreUInt(a.end, 64), a.nano)
	if a.library == nil {
		return b.MustStoreUInt(0, 2).EndCell() // account_uninit$00
	}
	// account_active$1, nothing but a library: simple_lib$_ public:Bool root:^Cell
	libraries := cell.NewDict(256)
	if err := libraries.Set(idCell(a.library.HashKey()), cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(a.library).EndCell()); err != nil {
		panic(err)
	}
	return b.MustStoreUInt(0b1_0000, 5).MustStoreDict(libraries).EndCell()
}

// publishedBy is a collection of one library: shared_lib_descr$00 lib:^Cell
// publishers:(Hashmap 256 True).
func publishedBy(library *cell.Cell, who address) *cell.Dictionary {
	publishers, all := cell.NewDict(256), cell.NewDict(256)
	if err := publishers.Set(idCell(who.id), cell.BeginCell().EndCell()); err != nil {
		panic(err)
	}
	value := cell.BeginCell().MustStoreUInt(0, 2).MustStoreRef(library).MustStoreBuilder(publishers.AsCell().ToBuilder()).EndCell()
	if err := all.Set(idCell(library.HashKey()), value); err != nil {
		panic(err)
	}
	return all
}

func accountHash(a toyAccount) hash {
	if a.cell == nil {
		return none.HashKey()
	}
	return a.cell.HashKey()
}

func hashUpdate(before, after hash) *cell.Cell {
	return cell.BeginCell().MustStoreUInt(0x72, 8).MustStoreSlice(before[:], 256).MustStoreSlice(after[:], 256).EndCell()
}

// build writes an ordinary transaction whose compute phase was skipped.
func (tx toyTx) build(who address) *cell.Cell {
	out := cell.NewDict(15)
	for i, m := range tx.out {
		if err := out.SetIntKey(big.NewInt(int64(i)), cell.BeginCell().MustStoreRef(m).EndCell()); err != nil {
			panic(err)
		}
	}
	messages := cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(tx.in).MustStoreDict(out).EndCell()
	b := cell.BeginCell().MustStoreUInt(0b0111, 4).MustStoreSlice(who.id[:], 256).MustStoreUInt(tx.lt, 64).MustStoreSlice(tx.prev.lastHash[:], 256).
		MustStoreUInt(tx.prev.last, 64).MustStoreUInt(uint64(tx.now), 32).MustStoreUInt(uint64(len(tx.out)), 15).MustStoreUInt(0, 4).MustStoreRef(messages)
	description := cell.BeginCell().MustStoreUInt(0b0000_1_0_0_0_00_0_1_0_0, 14).EndCell()
	return storeMoney(b, toyTxFee).MustStoreRef(hashUpdate(tx.old, tx.new)).MustStoreRef(description).EndCell()
}

func (c *toy) stateCell(st *toyState, reference *ref, beforeSplit bool, minRef uint32, extra *cell.Cell) *cell.Cell {
	totals := storeMoney(cell.BeginCell().MustStoreUInt(st.over, 64).MustStoreUInt(st.under, 64), st.sum(), st.fees).MustStoreDict(st.libraries).
		MustStoreBoolBit(reference != nil)
	if reference != nil {
		storeRef(totals, *reference)
	}
	b := storeShard(cell.BeginCell().MustStoreUInt(0x9023afe2, 32).MustStoreInt(-7, 32), st.shard).MustStoreUInt(uint64(st.seqno), 32).MustStoreUInt(0, 32).
		MustStoreUInt(uint64(st.utime), 32).MustStoreUInt(st.endLT, 64).MustStoreUInt(uint64(minRef), 32).MustStoreRef(queueCell(st)).
		MustStoreBoolBit(beforeSplit).MustStoreRef(accountsCell(st)).MustStoreRef(totals.EndCell())
	return must(b, b.StoreMaybeRef(extra)).EndCell()
}

// write turns a block into cells and remembers them.
func (c *toy) write(b *toyBlock, blockExtra, stateExtra *cell.Cell) {
	st, reference := b.state, &b.reference
	if b.shard.workchain == masterchain {
		reference = nil
	}
	st.cell = c.stateCell(st, reference, b.beforeSplit, b.minRef, stateExtra)
	before := b.prev[0].cell
	if b.afterMerge {
		before = cell.BeginCell().MustStoreUInt(0x5f327da5, 32).MustStoreRef(before).MustStoreRef(b.prev[1].cell).EndCell()
	}
	in, err1 := tlb.NewInMsgDescrAugDict()
	out, err2 := tlb.NewOutMsgDescrAugDict()
	extra := cell.BeginCell().MustStoreUInt(0x4a33f6fd, 32).MustStoreRef(setAll(in, err1, b.in)).MustStoreRef(setAll(out, err2, b.out)).
		MustStoreRef(b.accountBlocks()).MustStoreSlice(bytes.Repeat([]byte{7}, 32), 256).MustStoreUInt(0, 256)
	extra = must(extra, extra.StoreMaybeRef(blockExtra))
	root := cell.BeginCell().MustStoreUInt(0x11ef55aa, 32).MustStoreInt(-7, 32).MustStoreRef(b.header()).MustStoreRef(b.flow.cell()).
		MustStoreRef(must(cell.CreateMerkleUpdate(before, st.cell))).MustStoreRef(extra.EndCell()).EndCell()
	raw := root.ToBOC()
	st.root, st.file = root.HashKey(), sha256.Sum256(raw)
	c.bags[st.root], c.known[st.root] = raw, st
}

func (f toyFlow) cell() *cell.Cell {
	first := storeMoney(cell.BeginCell(), f.from, f.to, f.imported, f.exported).EndCell()
	second := storeMoney(cell.BeginCell(), f.feesImported, 0, 0, f.minted).EndCell()
	return storeMoney(cell.BeginCell().MustStoreUInt(0xb8e48dfb, 32).MustStoreRef(first), f.fees).MustStoreRef(second).EndCell()
}

func (b *toyBlock) header() *cell.Cell {
	h := cell.BeginCell().MustStoreUInt(0x9bc7a987, 32).MustStoreUInt(0, 32)
	for _, bit := range []bool{b.shard.workchain != masterchain, b.afterMerge, b.beforeSplit, b.afterSplit, b.wantSplit, b.wantMerge, b.key, false} {
		h.MustStoreBoolBit(bit)
	}
	h.MustStoreUInt(0, 8).MustStoreUInt(uint64(b.seqno), 32).MustStoreUInt(0, 32)
	storeShard(h, b.shard).MustStoreUInt(uint64(b.utime), 32).MustStoreUInt(b.start, 64).MustStoreUInt(b.end, 64).MustStoreUInt(uint64(b.hashOf), 32).
		MustStoreUInt(uint64(b.catchain), 32).MustStoreUInt(uint64(b.minRef), 32).MustStoreUInt(uint64(b.keySeqno), 32)
	if b.shard.workchain != masterchain {
		h.MustStoreRef(storeRef(cell.BeginCell(), b.reference).EndCell())
	}
	if !b.afterMerge {
		return h.MustStoreRef(storeRef(cell.BeginCell(), b.prev[0].ref).EndCell()).EndCell()
	}
	both := cell.BeginCell()
	for _, p := range b.prev {
		both.MustStoreRef(storeRef(cell.BeginCell(), p.ref).EndCell())
	}
	return h.MustStoreRef(both.EndCell()).EndCell()
}

func bitOf(c *cell.Cell, i uint) uint8 { return must(must(c.BeginParse()).BitAt(i)) }

// toyLog writes OldMcBlocksInfo.
type toyLog struct{}

func newToyLog(t testing.TB) *cell.AugmentedDictionary {
	d, err := cell.NewAugDict(32, toyLog{})
	require.NoError(t, err)
	return d
}

func (toyLog) SkipExtra(s *cell.Slice) error { return s.SkipBits(65) }

func (toyLog) EmptyExtra() (*cell.Cell, error) {
	return cell.BeginCell().MustStoreUInt(0, 65).EndCell(), nil
}

func (toyLog) LeafExtra(value *cell.Slice) (*cell.Cell, error) {
	v := value.Copy()
	return cell.BeginCell().MustStoreBoolBit(v.MustLoadBoolBit()).MustStoreUInt(v.MustLoadUInt(64), 64).EndCell(), nil
}

func (toyLog) CombineExtra(x, y *cell.Slice) (*cell.Cell, error) {
	keys := []bool{x.MustLoadBoolBit(), y.MustLoadBoolBit()}
	return cell.BeginCell().MustStoreBoolBit(slices.Contains(keys, true)).MustStoreUInt(max(x.MustLoadUInt(64), y.MustLoadUInt(64)), 64).EndCell(), nil
}
