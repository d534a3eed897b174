package localnet

// prune lets go of blocks that Config.Keep does not want, some at a time. What
// marks speak of stays: whether a message was brought in is looked up there.
func (c *Chain) prune(v view) view {
	keep := uint32(c.cfg.Keep)
	if keep == 0 || v.head.id.SeqNo-c.pruned <= keep+keep/8+1 {
		return v
	}
	limit := min(v.head.id.SeqNo-keep, v.head.minRef)
	for _, t := range v.head.tops {
		limit = min(limit, t.block.minRef)
	}
	if limit <= c.pruned {
		return v
	}
	if err := c.store.prune(limit); err != nil {
		c.log.Error("old blocks stay in the data folder", "error", err)
	}
	c.pruned = limit
	return view{v.since(limit), v.head}
}

// lean is a key block without its state: all that a proof through it needs.
func (b *block) lean() *block {
	return &block{shard: b.shard, id: b.id, root: b.root, boc: b.boc, startLT: b.startLT, endLT: b.endLT, utime: b.utime, minRef: b.minRef, txs: b.txs,
		fees: b.fees, validatorFees: b.validatorFees, made: b.made, master: b.master,
		commitment: &commitment{key: true, lastKey: b.lastKey, signature: b.signature}}
}
