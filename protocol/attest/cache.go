package attest

import (
	"container/list"
	"sync"
	"time"
)

// Cache remembers what the signatures in evidence showed, the costly part of
// Verify. What depends on the policy, the proofs and the time is judged anew each
// time, so that a suspended image or a refused platform counts at once. It is
// safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	limit int
	byKey map[cacheKey]*list.Element
	order *list.List // of cached, the one used last in front
}

// cacheKey is the hash of evidence, and of whom the policy trusts to sign statements.
type cacheKey struct{ evidence, anchors [32]byte }

type cached struct {
	key      cacheKey
	evidence Evidence
	shown    shown
}

// NewCache remembers at most limit pieces of evidence, of up to MaxEvidence bytes each.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, byKey: map[cacheKey]*list.Element{}, order: list.New()}
}

// Verify is Parse and Verify of evidence, which the cache keeps and nobody may change.
func (c *Cache) Verify(evidence []byte, p Policy, w Worker, now time.Time) (Verdict, error) {
	key := cacheKey{Hash(evidence), p.anchors()}
	if hit, ok := c.get(key, now); ok {
		return judge(hit.evidence, p, w, now, func() (shown, error) { return hit.shown, nil })
	}
	e, err := Parse(evidence)
	if err != nil {
		return Verdict{}, err
	}
	return judge(e, p, w, now, func() (shown, error) {
		s, err := p.open(e, now)
		if err == nil {
			c.put(cached{key, e, s})
		}
		return s, err
	})
}

// Len is how many it remembers.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}

// get finds what has not ended.
func (c *Cache) get(key cacheKey, now time.Time) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byKey[key]
	if !ok {
		return cached{}, false
	}
	hit := at.Value.(cached)
	if !now.Before(hit.shown.notAfter) {
		c.drop(at)
		return cached{}, false
	}
	c.order.MoveToFront(at)
	return hit, true
}

func (c *Cache) put(new cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.byKey[new.key]; ok {
		c.drop(at)
	}
	c.byKey[new.key] = c.order.PushFront(new)
	for c.order.Len() > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *Cache) drop(at *list.Element) {
	delete(c.byKey, c.order.Remove(at).(cached).key)
}
