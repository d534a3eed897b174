package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
	tongo "github.com/tonkeeper/tongo/tlb"
)

func TestLayout_AllowsWhatTheMasterchainPlanned(t *testing.T) {
	t.Parallel()
	all := shard{0, whole}
	half, other := all.left(), all.right()
	top := func(s shard, change ...func(*descr)) *descr {
		d := &descr{ref: ref{shard: s, seqno: 10}}
		for _, c := range change {
			c(d)
		}
		return d
	}
	beforeSplit, beforeMerge := func(d *descr) { d.beforeSplit = true }, func(d *descr) { d.beforeMerge = true }
	mayAt := func(since uint32) func(*descr) {
		return func(d *descr) { d.plan = plan{split: true, since: since, interval: 10} }
	}
	type flags = tongo.BlockInfoPart
	for _, c := range []struct {
		name string
		ok   bool
		s    shard
		info flags
		prev []ref
		tops []*descr
	}{
		{"it goes on", true, half, flags{}, []ref{{shard: half, seqno: 12}}, []*descr{top(half), top(other)}},
		{"eight blocks without the masterchain", false, half, flags{}, []ref{{shard: half, seqno: 18}}, []*descr{top(half), top(other)}},
		{"behind the masterchain", false, half, flags{}, []ref{{shard: half, seqno: 9}}, []*descr{top(half), top(other)}},
		{"after its split was due", false, half, flags{}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, beforeSplit), top(other)}},
		{"after its merge was due", false, half, flags{}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, beforeMerge), top(other, beforeMerge)}},
		{"the sibling did not agree to merge", true, half, flags{}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, beforeMerge), top(other)}},
		{"a split in time", true, half, flags{BeforeSplit: true, GenUtime: 105}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, mayAt(100)), top(other)}},
		{"a split too early", false, half, flags{BeforeSplit: true, GenUtime: 99}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, mayAt(100)), top(other)}},
		{"a split too late", false, half, flags{BeforeSplit: true, GenUtime: 110}, []ref{{shard: half, seqno: 10}}, []*descr{top(half, mayAt(100)), top(other)}},
		{"a split of nothing", false, half, flags{AfterSplit: true}, []ref{{shard: all, seqno: 10}}, []*descr{top(half), top(other)}},
		{"split off", true, half, flags{AfterSplit: true}, []ref{{shard: all, seqno: 10}}, []*descr{top(all, beforeSplit)}},
		{"split off a later block", false, half, flags{AfterSplit: true}, []ref{{shard: all, seqno: 11}}, []*descr{top(all, beforeSplit)}},
		{"split off unasked", false, half, flags{AfterSplit: true}, []ref{{shard: all, seqno: 10}}, []*descr{top(all)}},
		{"split off and on", true, half, flags{}, []ref{{shard: half, seqno: 11}}, []*descr{top(all, beforeSplit)}},
		{"split twice", false, half.left(), flags{AfterSplit: true}, []ref{{shard: half, seqno: 11}}, []*descr{top(all, beforeSplit)}},
		{"merged", true, all, flags{AfterMerge: true}, []ref{{shard: half, seqno: 10}, {shard: other, seqno: 10}}, []*descr{top(half, beforeMerge), top(other, beforeMerge)}},
		{"merged of a later block", false, all, flags{AfterMerge: true}, []ref{{shard: half, seqno: 10}, {shard: other, seqno: 11}}, []*descr{top(half, beforeMerge), top(other, beforeMerge)}},
		{"merged unasked", false, all, flags{AfterMerge: true}, []ref{{shard: half, seqno: 10}, {shard: other, seqno: 10}}, []*descr{top(half, beforeMerge), top(other)}},
		{"merged and on", true, all, flags{}, []ref{{shard: all, seqno: 11}}, []*descr{top(half, beforeMerge), top(other, beforeMerge)}},
		{"an unknown workchain", false, shard{1, whole}, flags{}, []ref{{shard: shard{1, whole}, seqno: 1}}, []*descr{top(all)}},
	} {
		step := &step{Auditor: &Auditor{}, block: &block{ref: ref{shard: c.s}, info: tongo.BlockInfo{BlockInfoPart: c.info}},
			reference: &anchor{ref: ref{seqno: 5}, tops: map[shard]*descr{}}}
		for _, d := range c.tops {
			step.reference.tops[d.shard] = d
		}
		for _, r := range c.prev {
			step.prev = append(step.prev, &made{ref: r})
		}
		if err := step.checkLayout(); c.ok {
			require.NoError(t, err, c.name)
		} else {
			require.Error(t, err, c.name)
		}
	}
}
