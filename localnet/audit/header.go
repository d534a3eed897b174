package audit

import (
	"errors"
	"fmt"
	"math/bits"
)

// checkAloneHeader is what a header must keep by itself.
func (b *block) checkAloneHeader() error {
	i := b.info
	of, err := newShard(i.Shard.WorkchainID, i.Shard.ShardPrefix, int(i.Shard.ShardPfxBits))
	switch {
	case err != nil:
		return err
	case of != b.shard || i.SeqNo != b.seqno:
		return fmt.Errorf("it is block %d of shard %s", i.SeqNo, of)
	case i.Version != 0 || i.Flags > 1 || i.VertSeqnoIncr:
		return fmt.Errorf("version %d, flags %d, vert_seqno_incr %t", i.Version, i.Flags, i.VertSeqnoIncr)
	case i.StartLt >= i.EndLt:
		return fmt.Errorf("it starts at %d and ends at %d", i.StartLt, i.EndLt)
	case i.AfterMerge && i.AfterSplit, i.WantMerge && i.WantSplit:
		return errors.New("it comes of both a split and a merge, or wants both")
	case i.NotMaster != (b.master == nil):
		return errors.New("it has a masterchain extra without being of the masterchain, or the other way round")
	case !i.NotMaster && (i.AfterMerge || i.AfterSplit || i.BeforeSplit):
		return errors.New("the masterchain neither splits nor merges")
	case i.KeyBlock && b.master == nil, b.master != nil && b.master.key != i.KeyBlock:
		return errors.New("key_block is set where it cannot be")
	case b.randSeed == hash{}:
		return errors.New("rand_seed is zero")
	}
	return nil
}

func (t *step) checkHeader() error {
	if t.block.globalID != t.globalID {
		return fmt.Errorf("global_id is %d, not %d", t.block.globalID, t.globalID)
	}
	if t.block.info.VertSeqNo != 0 {
		return fmt.Errorf("vert_seq_no is %d", t.block.info.VertSeqNo)
	}
	return t.block.checkAloneHeader()
}

// checkTime as check_utime_lt. Equal seconds are allowed, as they are since
// global version 13.
func (t *step) checkTime() error {
	i := t.block.info
	switch {
	case i.StartLt <= t.before.lt:
		return fmt.Errorf("it starts at %d, the block before ended at %d", i.StartLt, t.before.lt)
	case i.StartLt <= t.reference.endLT:
		return fmt.Errorf("it starts at %d, masterchain block %d ended at %d", i.StartLt, t.reference.seqno, t.reference.endLT)
	case i.GenUtime < t.before.utime:
		return fmt.Errorf("made at %d, the block before at %d", i.GenUtime, t.before.utime)
	case i.GenUtime < t.reference.utime:
		return fmt.Errorf("made at %d, masterchain block %d at %d", i.GenUtime, t.reference.seqno, t.reference.utime)
	}
	for _, p := range t.prev {
		if p.state.master != nil && p.state.master.seqno > t.reference.seqno {
			return fmt.Errorf("it refers to masterchain block %d, the block before to %d", t.reference.seqno, p.state.master.seqno)
		}
	}
	return nil
}

func (t *step) checkValidators() error {
	want, known, err := t.reference.config.validatorsHash(t.block.shard)
	if err != nil {
		return err
	}
	if got := t.block.info.GenValidatorListHashShort; known && got != want {
		return fmt.Errorf("gen_validator_list_hash_short is %08x, the config's set makes %08x", got, want)
	}
	return nil
}

// checkCatchain as ConfigInfo::get_shard_cc_seqno: halves of a split go on with
// the number of their parent, a merge makes one above both.
func (t *step) checkCatchain() error {
	want := t.reference.state.extra.catchain
	if t.block.master == nil {
		want = 0
		for s, d := range t.reference.tops {
			switch {
			case s.covers(t.block.shard):
				want = d.nextCatchain
			case t.block.shard.isParentOf(s):
				want = max(want, d.nextCatchain+1)
			}
		}
	}
	if got := t.block.info.GenCatchainSeqno; got != want {
		return fmt.Errorf("gen_catchain_seqno is %d, the masterchain has %d", got, want)
	}
	return nil
}

// checkKeyBlock: a block is a key block just when it changes the config; the
// first may be one as well. The network is less strict: it lets parameters that
// parameters 9 and 10 do not list change without one.
func (t *step) checkKeyBlock() error {
	var last uint32
	if m := t.reference; m.key && m.seqno > 0 {
		last = m.seqno
	} else if m.state.extra.lastKey != nil {
		last = m.state.extra.lastKey.seqno
	}
	if got := t.block.info.PrevKeyBlockSeqno; got != last {
		return fmt.Errorf("prev_key_block_seqno is %d, the last key block was %d", got, last)
	}
	if t.block.master == nil {
		return nil
	}
	changed := t.after.extra.config.root.HashKey() != t.reference.config.root.HashKey()
	if key := t.block.master.key; key != changed && (!key || t.block.seqno != 1) {
		return fmt.Errorf("key_block is %t, the config changed: %t", key, changed)
	}
	if c := t.block.master.config; c != nil && c.HashKey() != t.after.extra.config.root.HashKey() {
		return errors.New("the config in the block is not that of the state")
	}
	return nil
}

// checkState compares the new state's own fields with the header.
func (t *step) checkState() error {
	st, i := t.after, t.block.info
	switch {
	case st.globalID != t.globalID || st.vertSeqno != 0:
		return fmt.Errorf("global_id is %d, vert_seq_no %d", st.globalID, st.vertSeqno)
	case st.shard != t.block.shard || st.seqno != i.SeqNo:
		return fmt.Errorf("it is of block %d of shard %s", st.seqno, st.shard)
	case st.utime != i.GenUtime || st.lt != i.EndLt:
		return fmt.Errorf("gen_utime is %d and gen_lt %d, the block has %d and %d", st.utime, st.lt, i.GenUtime, i.EndLt)
	case st.beforeSplit != i.BeforeSplit:
		return fmt.Errorf("before_split is %t", st.beforeSplit)
	case (st.extra == nil) != (t.block.master == nil) || (st.master == nil) != (t.block.master != nil):
		return errors.New("it is not clear whether it is of the masterchain")
	case st.master != nil && *st.master != t.reference.ref:
		return fmt.Errorf("master_ref is %s, the block has %s", st.master, t.reference.ref)
	}
	return mustEqual("total_balance", st.balance, st.total)
}

// checkMinRef: the oldest masterchain block this one, its shards or its
// ProcessedInfo refer to (check_new_state).
func (t *step) checkMinRef() error {
	want := min(t.masterSeqno(), t.after.processed.oldestMaster())
	if t.block.master != nil {
		for _, d := range t.block.master.shards {
			want = min(want, d.minRef)
		}
	}
	if t.after.minRef != want || t.block.info.MinRefMcSeqno != want {
		return fmt.Errorf("min_ref_mc_seqno is %d in the block and %d in the state, not %d", t.block.info.MinRefMcSeqno, t.after.minRef, want)
	}
	return nil
}

// checkHistory: each block shifts one bit into the histories; recent bits weigh
// 3, 2 and 1, and two thirds of the weight make a wish (Collator::history_weight).
func (t *step) checkHistory() error {
	st, i := t.after, t.block.info
	if st.overload&^1 != t.before.overload<<1 || st.underload&^1 != t.before.underload<<1 || st.overload&st.underload&1 != 0 {
		return fmt.Errorf("histories are %016x and %016x after %016x and %016x", st.overload, st.underload, t.before.overload, t.before.underload)
	}
	split := weight(st.overload) >= 0
	if i.WantSplit != split || i.WantMerge != (!split && weight(st.underload) >= 0) {
		return fmt.Errorf("want_split %t and want_merge %t with histories %016x and %016x", i.WantSplit, i.WantMerge, st.overload, st.underload)
	}
	return nil
}

func weight(history uint64) int {
	return 3*bits.OnesCount16(uint16(history)) + 2*bits.OnesCount16(uint16(history>>16)) + bits.OnesCount16(uint16(history>>32)) - (3+2+1)*16*2/3
}
