package localnet

import (
	"maps"
	"slices"
	"sort"
)

// history is the blocks of every shard there ever was, each list by seqno. A
// history never changes: growing it makes another.
type history map[shardID][]*block

// with is the history and more blocks, each newer than all of its shard.
func (h history) with(blocks ...*block) history {
	h = maps.Clone(h)
	for _, b := range blocks {
		h[b.shard] = append(h[b.shard], b)
	}
	return h
}

// find is the block of a shard with a seqno, nil where there is none.
func (h history) find(shard shardID, seqno uint32) *block {
	list := h[shard]
	i := sort.Search(len(list), func(i int) bool { return list[i].id.SeqNo >= seqno })
	if i == len(list) || list[i].id.SeqNo != seqno {
		return nil
	}
	return list[i]
}

// first is the oldest block, of any shard that contains a place, that reached
// says yes to. Within a shard it must say no up to some block and yes from there.
func (h history) first(p place, reached func(*block) bool) (first *block) {
	for shard, list := range h {
		if !shard.contains(p) {
			continue
		}
		i := sort.Search(len(list), func(i int) bool { return list[i].root != nil && reached(list[i]) })
		if i < len(list) && (first == nil || list[i].id.SeqNo < first.id.SeqNo) {
			first = list[i]
		}
	}
	return first
}

// until is the history as it was when a masterchain block was the newest. What
// grows out of it does not touch the lists of h.
func (h history) until(master uint32) history {
	kept := history{}
	for shard, list := range h {
		if n := sort.Search(len(list), func(i int) bool { return list[i].master > master }); n > 0 {
			kept[shard] = slices.Clip(list[:n])
		}
	}
	return kept
}

// since is the history without blocks that came under masterchain blocks before
// one. Zerostates and key blocks stay: proofs lead through them.
func (h history) since(master uint32) history {
	kept := history{}
	for shard, list := range h {
		var rest []*block
		for _, b := range list {
			switch {
			case b.master >= master || b.root == nil:
				rest = append(rest, b)
			case b.commitment != nil && b.key:
				rest = append(rest, b.lean())
			}
		}
		if len(rest) > 0 {
			kept[shard] = rest
		}
	}
	return kept
}
