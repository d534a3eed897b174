package audit

import (
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// descr is ShardDescr: a shard's newest block as the masterchain knows it.
type descr struct {
	ref
	registered           uint32 // reg_mc_seqno
	startLT              uint64
	beforeSplit          bool
	beforeMerge          bool
	wantSplit, wantMerge bool
	nextCatchain         uint32
	nextValidatorShard   uint64
	minRef, utime        uint32
	plan                 plan
	fees, created        money
}

// plan is FutureSplitMerge: from when and for how long, in unix seconds, the
// shard may split or merge.
type plan struct {
	split, merge    bool
	since, interval uint32
}

func (p plan) allows(utime uint32) bool { return utime >= p.since && utime < p.since+p.interval }

// loadShards reads ShardHashes, HashmapE 32 ^(BinTree ShardDescr). A tree covers
// its workchain without gap or overlap by being one.
func loadShards(dict *cell.Dictionary) (map[shard]*descr, error) {
	shards := map[shard]*descr{}
	items, err := dict.LoadAll()
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		workchain, err := item.Key.LoadInt(32)
		if err != nil {
			return nil, err
		}
		if workchain == masterchain {
			return nil, errors.New("the masterchain is among the shards")
		}
		root, err := item.Value.LoadRef()
		if err != nil {
			return nil, err
		}
		if err = loadTree(root, shard{int32(workchain), whole}, shards); err != nil {
			return nil, fmt.Errorf("workchain %d: %w", workchain, err)
		}
	}
	return shards, nil
}

// loadTree reads bt_leaf$0 leaf or bt_fork$1 left:^ right:^.
func loadTree(s *cell.Slice, of shard, into map[shard]*descr) error {
	fork, err := s.LoadBoolBit()
	if err != nil {
		return err
	}
	if !fork {
		d, err := loadDescr(s, of)
		into[of] = d
		return err
	}
	if of.length() >= 60 || s.BitsLeft() > 0 || s.RefsNum() != 2 {
		return fmt.Errorf("fork of shard %s", of)
	}
	for _, child := range []shard{of.left(), of.right()} {
		next, err := s.LoadRef()
		if err != nil {
			return err
		}
		if err = loadTree(next, child, into); err != nil {
			return err
		}
	}
	return nil
}

// loadDescr reads shard_descr#b, or shard_descr_new#a whose fees are in a cell of
// their own.
func loadDescr(s *cell.Slice, of shard) (*descr, error) {
	tag, err1 := s.LoadUInt(4)
	seqno, err2 := s.LoadUInt(32)
	registered, err3 := s.LoadUInt(32)
	start, err4 := s.LoadUInt(64)
	end, err5 := s.LoadUInt(64)
	d := &descr{ref: ref{shard: of, seqno: uint32(seqno), endLT: end}, registered: uint32(registered), startLT: start}
	err6 := errors.Join(s.LoadSliceInto(d.root[:], 256), s.LoadSliceInto(d.file[:], 256))
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	var ignored bool // nx_cc_updated
	if err := loadBits(s, &d.beforeSplit, &d.beforeMerge, &d.wantSplit, &d.wantMerge, &ignored); err != nil {
		return nil, err
	}
	flags, err1 := s.LoadUInt(3)
	catchain, err2 := s.LoadUInt(32)
	next, err3 := s.LoadUInt(64)
	minRef, err4 := s.LoadUInt(32)
	utime, err5 := s.LoadUInt(32)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	d.nextCatchain, d.nextValidatorShard, d.minRef, d.utime = uint32(catchain), next, uint32(minRef), uint32(utime)
	if tag != 0xa && tag != 0xb || flags != 0 {
		return nil, fmt.Errorf("description of shard %s has tag %x and flags %d", of, tag, flags)
	}
	return d, d.loadEnd(s, tag == 0xa)
}

func (d *descr) loadEnd(s *cell.Slice, apart bool) (err error) {
	// fsm_none$0, fsm_split$10 or fsm_merge$11 utime:uint32 interval:uint32
	var any, merge bool
	if any, err = s.LoadBoolBit(); err != nil {
		return err
	}
	if any {
		if merge, err = s.LoadBoolBit(); err != nil {
			return err
		}
		since, err1 := s.LoadUInt(32)
		interval, err2 := s.LoadUInt(32)
		if err = errors.Join(err1, err2); err != nil {
			return err
		}
		d.plan = plan{split: !merge, merge: merge, since: uint32(since), interval: uint32(interval)}
	}
	if apart {
		if s, err = s.LoadRef(); err != nil {
			return err
		}
	}
	return loadMoneys(s, &d.fees, &d.created)
}

func loadBits(s *cell.Slice, into ...*bool) (err error) {
	for _, bit := range into {
		if *bit, err = s.LoadBoolBit(); err != nil {
			return err
		}
	}
	return nil
}

// same tells whether two descriptions tell the same of a block. What the
// masterchain decides itself may change from block to block: before_merge, the
// plan, the catchain (McShardHash::basic_info_equal of the reference node).
func (d *descr) same(o *descr) bool {
	return d.sameBlock(o.ref) && d.startLT == o.startLT && d.endLT == o.endLT && d.registered == o.registered && d.utime == o.utime &&
		d.minRef == o.minRef && d.beforeSplit == o.beforeSplit && d.wantSplit == o.wantSplit && d.wantMerge == o.wantMerge &&
		d.fees.equal(o.fees) && d.created.equal(o.created)
}
