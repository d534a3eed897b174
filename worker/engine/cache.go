package engine

import (
	"container/list"
	"crypto/sha256"
	"io"
	"slices"
)

const (
	blockSize = 16 // tokens; prefixes are remembered in whole blocks, as vLLM does
	maxCache  = 1 << 24
)

type blockID [32]byte

// cache remembers the prefixes of prompts, the least recently used go first.
// A nil cache remembers nothing.
type cache struct {
	blocks map[blockID]*list.Element
	recent *list.List // of blockID, newest in front
	room   int        // blocks
}

func newCache(tokens int) *cache {
	if tokens < blockSize {
		return nil
	}
	return &cache{map[blockID]*list.Element{}, list.New(), tokens / blockSize}
}

// chain names each whole block of a prompt by all that comes before and in it.
func chain(prompt []string) []blockID {
	var ids []blockID
	var last blockID
	for len(prompt) >= blockSize {
		h := sha256.New()
		h.Write(last[:])
		for _, token := range prompt[:blockSize] {
			_, _ = io.WriteString(h, token) // a hash takes everything
			h.Write([]byte{0xff})           // ends a token: "ab" "c" is not "a" "bc"
		}
		h.Sum(last[:0])
		ids = append(ids, last)
		prompt = prompt[blockSize:]
	}
	return ids
}

// cached is how many tokens at the beginning of prompt are remembered. The last
// token of a prompt never is: computing it yields the first one of the answer.
func (c *cache) cached(prompt []string) int {
	if c == nil || len(prompt) == 0 {
		return 0
	}
	n := 0
	for _, id := range chain(prompt[:len(prompt)-1]) {
		if c.blocks[id] == nil {
			break
		}
		n += blockSize
	}
	return n
}

// remember makes prompt the newest. Its end is forgotten before its beginning,
// without which it would be of no use.
func (c *cache) remember(prompt []string) {
	if c == nil {
		return
	}
	for _, id := range slices.Backward(chain(prompt)) {
		if at := c.blocks[id]; at != nil {
			c.recent.MoveToFront(at)
			continue
		}
		c.blocks[id] = c.recent.PushFront(id)
		if c.recent.Len() > c.room {
			delete(c.blocks, c.recent.Remove(c.recent.Back()).(blockID))
		}
	}
}
