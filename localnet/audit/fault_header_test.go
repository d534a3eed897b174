package audit

var headerFaults = []fault{
	{"another hash of the masterchain block", RuleMasterRef, inShards(func(b *toyBlock) { b.reference.root[3] ^= 1 }), nil},
	{"a masterchain block of the future", RuleMasterRef, inShards(func(b *toyBlock) { b.reference.seqno += 2 }), nil},
	{"another end of the block before", RulePrevious, inShards(func(b *toyBlock) { previous(b, func(p *toyState) { p.endLT-- }) }), nil},
	{"another file hash of the block before", RulePrevious, inShards(func(b *toyBlock) { previous(b, func(p *toyState) { p.file[0] ^= 1 }) }), nil},
	{"a seqno left out", RulePrevious, inShards(func(b *toyBlock) { b.seqno++; b.state.seqno++ }), nil},
	{"an update of another state", RuleUpdate, func(c *toy, b *toyBlock) bool {
		previous(b, func(p *toyState) { p.cell = c.master.cell })
		return b.tops == nil
	}, nil},
	{"a key block in a shard", RuleHeader, inShards(func(b *toyBlock) { b.key = true }), nil},
	{"both wishes at once", RuleHeader, inShards(func(b *toyBlock) { b.wantSplit, b.wantMerge = true, true }), nil},
	{"seconds that go back", RuleTime, inShards(func(b *toyBlock) { b.utime -= 100; b.state.utime -= 100 }), nil},
	{"lt that goes back", RuleTime, inShards(func(b *toyBlock) { b.start = b.base.endLT }), nil},
	{"another set of validators", RuleValidators, inShards(func(b *toyBlock) { b.hashOf++ }), nil},
	{"another catchain", RuleCatchain, inShards(func(b *toyBlock) { b.catchain++ }), nil},
	{"a key block without a change", RuleKeyBlock, inMaster(func(b *toyBlock) { b.key = true }), nil},
	{"another key block before", RuleKeyBlock, inShards(func(b *toyBlock) { b.keySeqno = 3 }), nil},
	{"a state of another second", RuleState, inShards(func(b *toyBlock) { b.state.utime++ }), nil},
	{"a state of another lt", RuleState, inShards(func(b *toyBlock) { b.state.endLT++ }), nil},
	{"an oldest reference that is not", RuleMinRef, inShards(func(b *toyBlock) { b.minRef-- }), nil},
	{"a history rewritten", RuleHistory, inShards(func(b *toyBlock) { b.state.over ^= 4 }), nil},
	{"a wish without a history", RuleHistory, inShards(func(b *toyBlock) { b.wantMerge = true; b.wantSplit = false }), nil},
	{"a split that was not planned", RuleLayout, func(_ *toy, b *toyBlock) bool {
		ok := b.tops == nil && !b.beforeSplit && !b.afterSplit && b.shard.length() == 2
		b.beforeSplit = b.beforeSplit || ok
		return ok
	}, nil},
}
