package audit

import "github.com/xssnick/tonutils-go/tvm/cell"

var masterFaults = []fault{
	{"another start of a shard block", RuleShards, inMaster(func(b *toyBlock) { newest(b).startLT++ }), nil},
	{"other fees of a shard", RuleShards, inMaster(func(b *toyBlock) { d := newest(b); d.created = coins(nano(1)); d.wantMerge = !d.wantMerge }), nil},
	{"another time of a shard block", RuleShards, inMaster(func(b *toyBlock) { newest(b).utime-- }), nil},
	{"a plan nobody wants", RuleAnnounced, func(c *toy, b *toyBlock) bool {
		for _, d := range orderedTops(b.tops) {
			if d.shard.length() == 3 && d.plan == (plan{}) {
				d.plan = plan{split: true, since: b.utime, interval: 10}
				return true
			}
		}
		return false
	}, nil},
	{"fees of shards not listed", RuleShardFees, inMaster(func(b *toyBlock) {
		b.noFees = true
		b.flow.fees -= b.flow.feesImported
		b.state.fees -= b.flow.feesImported
		b.flow.feesImported = 0
	}), nil},
	{"more coins than there are", RuleMasterState, inMaster(func(b *toyBlock) { b.supply++ }), nil},
	{"a block left out of the log", RuleMasterState, inMaster(func(b *toyBlock) { b.state.log = b.base.log }), nil},
	{"another last key block", RuleKeyLog, func(c *toy, b *toyBlock) bool { b.lastKey = &c.line[0]; return b.tops != nil }, nil},
	{"a library nobody published", RuleLibraries, inMaster(func(b *toyBlock) {
		b.state.libraries = publishedBy(cell.BeginCell().MustStoreUInt(2, 8).EndCell(), address{})
	}), nil},
	{"a library not listed", RuleLibraries, inMaster(func(b *toyBlock) { b.state.libraries = nil }), nil},
}
