package audit

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/localnet"
)

// toyNextPart is next_frac of the toy's forward prices.
const toyNextPart = 1 << 14

// makeConfig is localnet's config with a basechain that may split.
func (c *toy) makeConfig(zero ref) *cell.Cell {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)).Public().(ed25519.PublicKey)
	dict, err := localnet.BlockchainConfig(localnet.ConfigOptions{GlobalID: -7, Validator: key, Since: time.Unix(1, 0)})
	require.NoError(c.t, err)
	base := tlb.WorkchainDescrV1{WorkchainDescrFields: tlb.WorkchainDescrFields{EnabledSince: 1, MinSplit: uint8(c.deep), MaxSplit: uint8(max(2, c.deep)), Basic: true, Active: true, AcceptMsgs: true,
		ZeroStateRootHash: zero.root[:], ZeroStateFileHash: zero.file[:], Format: tlb.WorkchainFormatBasic{VMVersion: -1}}}
	workchains := cell.NewDict(32)
	require.NoError(c.t, workchains.SetIntKey(new(big.Int), must(tlb.ToCell(base))))
	c.setParam(dict, 12, must(tlb.ToCell(tlb.WorkchainsConfig{Workchains: workchains})))
	// msg_forward_prices#ea lump_price bit_price cell_price ihr_price_factor first_frac next_frac
	prices := cell.BeginCell().MustStoreUInt(0xea, 8).MustStoreUInt(toyMsgFee, 64).MustStoreUInt(0, 64+64+32+16).MustStoreUInt(toyNextPart, 16).EndCell()
	c.setParam(dict, 25, prices)
	cfg := config{dict.AsCell()}
	for _, s := range []shard{{masterchain, whole}, {0, whole}} {
		sum, known, err := cfg.validatorsHash(s)
		require.NoError(c.t, err)
		require.True(c.t, known)
		c.validators[s.workchain == masterchain] = sum
	}
	return cfg.root
}

func (c *toy) setParam(dict *cell.Dictionary, id int64, value *cell.Cell) {
	require.NoError(c.t, dict.SetIntKey(big.NewInt(id), cell.BeginCell().MustStoreRef(value).EndCell()))
}

// masterBlock registers the shard blocks of the round.
func (c *toy) masterBlock() {
	b := c.begin(c.master, c.master.shard)
	b.key, b.catchain = b.seqno == 1, 0
	b.tops = map[shard]*descr{}
	for s, st := range c.heads {
		b.tops[s] = c.register(b, st)
	}
	for _, d := range b.tops {
		c.plan(b, d)
		b.flow.feesImported += c.fees(b, d)
	}
	c.fill(b)
	c.settle(b)
	for _, d := range b.tops {
		b.minRef = min(b.minRef, d.minRef)
	}
	b.state.log = c.master.log.Copy()
	entry := storeRef(cell.BeginCell().MustStoreBoolBit(c.master.seqno < 2), c.master.ref).EndCell()
	require.NoError(c.t, b.state.log.SetIntKey(big.NewInt(int64(c.master.seqno)), entry))
	b.lastKey, b.supply = &c.line[min(b.seqno-1, 1)], toyCoins*int64(len(c.people))
	if c.fault != nil {
		c.fault(b)
	}
	c.write(b, c.masterExtra(b), c.masterState(b.state, b.tops, b.key, b.lastKey, b.supply))
	c.master, c.tops, c.fresh = b.state, b.tops, map[shard][]*toyBlock{}
	c.line, c.past = append(c.line, b.state.ref), append(c.past, b.tops)
}

// register describes the newest block of a shard.
func (c *toy) register(b *toyBlock, st *toyState) *descr {
	blocks := c.fresh[st.shard]
	if c.orphan != nil && *c.orphan == (ref{}) {
		*c.orphan, blocks = st.ref, nil
	}
	if len(blocks) == 0 {
		old := *c.tops[st.shard]
		return &old
	}
	last := blocks[len(blocks)-1]
	d := &descr{ref: st.ref, registered: b.seqno, startLT: last.start, beforeSplit: last.beforeSplit, wantSplit: last.wantSplit, wantMerge: last.wantMerge,
		nextCatchain: last.catchain, nextValidatorShard: st.shard.prefix, minRef: last.minRef, utime: last.utime}
	var fees int64
	for _, made := range blocks {
		fees += made.flow.fees
	}
	d.fees = coins(nano(fees))
	if old := c.tops[st.shard]; old != nil {
		d.plan, d.beforeMerge = old.plan, old.beforeMerge
	}
	return d
}

// plan announces splits and merges, one masterchain block before they are done.
func (c *toy) plan(b *toyBlock, d *descr) {
	switch {
	case d.beforeSplit:
		d.plan = plan{}
	case (d.wantSplit && d.shard.length() < 2 || d.shard.length() < c.deep && d.shard.contains(place{0, 0x0c << 56})) && d.plan == plan{}:
		d.plan = plan{split: true, since: b.utime, interval: 100}
	}
	other := b.tops[d.shard.sibling()]
	if d.shard.length() == 0 || d.shard.isRight() || other == nil || !d.wantMerge || !other.wantMerge || d.beforeSplit || other.beforeSplit {
		return
	}
	if d.plan.merge && other.plan.merge {
		d.beforeMerge, other.beforeMerge = true, true
		return
	}
	d.plan = plan{merge: true, since: b.utime, interval: 100}
	other.plan = d.plan
}

func (c *toy) fees(b *toyBlock, d *descr) int64 {
	if d.registered != b.seqno {
		return 0
	}
	return d.fees.amount().Int64()
}

func storeShards(b *cell.Builder, tops map[shard]*descr) *cell.Builder {
	dict := cell.NewDict(32)
	if len(tops) > 0 {
		if err := dict.SetIntKey(new(big.Int), cell.BeginCell().MustStoreRef(treeCell(shard{0, whole}, tops)).EndCell()); err != nil {
			panic(err)
		}
	}
	return b.MustStoreDict(dict)
}

func treeCell(s shard, tops map[shard]*descr) *cell.Cell {
	d := tops[s]
	if d == nil {
		return cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(treeCell(s.left(), tops)).MustStoreRef(treeCell(s.right(), tops)).EndCell()
	}
	b := cell.BeginCell().MustStoreBoolBit(false).MustStoreUInt(0xa, 4).MustStoreUInt(uint64(d.seqno), 32).MustStoreUInt(uint64(d.registered), 32).
		MustStoreUInt(d.startLT, 64).MustStoreUInt(d.endLT, 64).MustStoreSlice(d.root[:], 256).MustStoreSlice(d.file[:], 256)
	for _, bit := range []bool{d.beforeSplit, d.beforeMerge, d.wantSplit, d.wantMerge, false} {
		b.MustStoreBoolBit(bit)
	}
	b.MustStoreUInt(0, 3).MustStoreUInt(uint64(d.nextCatchain), 32).MustStoreUInt(d.nextValidatorShard, 64).MustStoreUInt(uint64(d.minRef), 32).
		MustStoreUInt(uint64(d.utime), 32)
	if d.plan == (plan{}) {
		b.MustStoreBoolBit(false)
	} else {
		b.MustStoreBoolBit(true).MustStoreBoolBit(d.plan.merge).MustStoreUInt(uint64(d.plan.since), 32).MustStoreUInt(uint64(d.plan.interval), 32)
	}
	return b.MustStoreRef(storeMoney(cell.BeginCell(), d.fees.amount().Int64(), 0).EndCell()).EndCell()
}

func (c *toy) masterExtra(b *toyBlock) *cell.Cell {
	fees := must(tlb.NewShardFeesAugDict())
	for s, d := range b.tops {
		if n := c.fees(b, d); n > 0 && !b.noFees {
			key := cell.BeginCell().MustStoreInt(int64(s.workchain), 32).MustStoreUInt(s.prefix, 64).EndCell()
			require.NoError(c.t, fees.Set(key, storeMoney(cell.BeginCell(), n, 0).EndCell()))
		}
	}
	extra := storeShards(cell.BeginCell().MustStoreUInt(0xcca5, 16).MustStoreBoolBit(b.key), b.tops).MustStoreBuilder(must(fees.ToCell()).ToBuilder()).
		MustStoreRef(cell.BeginCell().MustStoreUInt(0, 3).EndCell())
	if b.key {
		extra.MustStoreSlice(bytes.Repeat([]byte{5}, 32), 256).MustStoreRef(c.config)
	}
	return extra.EndCell()
}

func (c *toy) masterState(st *toyState, tops map[shard]*descr, key bool, lastKey *ref, supply int64) *cell.Cell {
	info := cell.BeginCell().MustStoreUInt(0, 16).MustStoreUInt(uint64(c.validators[true]), 32).MustStoreUInt(0, 32+1).
		MustStoreBuilder(must(st.log.ToCell()).ToBuilder()).MustStoreBoolBit(key).MustStoreBoolBit(lastKey != nil)
	if lastKey != nil {
		storeRef(info, *lastKey)
	}
	b := storeShards(cell.BeginCell().MustStoreUInt(0xcc26, 16), tops).MustStoreSlice(bytes.Repeat([]byte{5}, 32), 256).MustStoreRef(c.config).
		MustStoreRef(info.EndCell())
	return storeMoney(b, supply).EndCell()
}
