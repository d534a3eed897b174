package chain

import (
	"cmp"
	"slices"
	"time"
)

// order is whom to ask, the best first. A server in quarantine is not in it.
func (c *Client) order(q question) []*server {
	type ranked struct {
		*server
		rank
	}
	var all []ranked
	for _, s := range c.servers {
		if r, ok := s.health.rank(q); ok {
			all = append(all, ranked{s, r})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return a.compare(b.rank) })
	if q.waits {
		rivals := 1
		for rivals < len(all) && all[rivals].class == all[0].class {
			rivals++
		}
		if rivals > 2 { // the second takes turns, so that each may show that it is ahead
			second := 1 + int(c.turn.Add(1))%(rivals-1)
			all[1], all[second] = all[second], all[1]
		}
	}
	order := make([]*server, len(all))
	for i, r := range all {
		order[i] = r.server
	}
	return order
}

// rank is a server's place among those that may be asked.
type rank struct {
	class int
	lost  int
	score time.Duration
}

func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(r.class, o.class), cmp.Compare(r.lost, o.lost), cmp.Compare(r.score, o.score))
}

// rank puts those that rest or lack the block last, and those with many questions
// under way behind others as fast; not ok is quarantine.
func (h *health) rank(q question) (r rank, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, has := time.Now(), h.reaches[q.part]
	if q.seqno > 0 && (q.seqno < has.oldest || has.behind > 0 && q.seqno >= has.behind && now.Before(has.until)) {
		r.class = 1
	}
	if now.Before(h.rest) {
		r.class += 2
	}
	r.score = cmp.Or(h.usual, guess) * time.Duration(1+h.open)
	if q.waits {
		r.lost = h.lost
	}
	return r, h.lie == nil
}
