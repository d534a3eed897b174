package engine

import (
	"time"

	"github.com/cocoon-network/cocoon"
)

// Cost is what answering takes. Zero in each field is free, or without limit.
type Cost struct {
	Prefill  int           // prompt tokens a second
	Chunk    int           // most prompt tokens of one step, all requests together; 0: 2048
	Step     time.Duration // a step in which any token is decoded
	Sequence time.Duration // what each sequence that decodes adds to the step
	Slots    int           // sequences (choices) at once
	Queue    int           // requests that wait for a slot; more are answered 503
}

const defaultChunk = 2048

func (c Cost) validate() error {
	if c.Prefill < 0 || c.Chunk < 0 || c.Step < 0 || c.Sequence < 0 || c.Slots < 0 || c.Queue < 0 {
		return cocoon.Invalid.Errorf("an engine's costs and limits are not negative")
	}
	if c.Step > time.Hour || c.Sequence > time.Hour {
		return cocoon.Invalid.Errorf("a step of an engine takes an hour at most")
	}
	if c.Queue > 0 && c.Slots == 0 {
		return cocoon.WithHint(cocoon.Invalid.Errorf("a queue of %d requests has no slots to wait for", c.Queue), "limit the slots too")
	}
	return nil
}

// step is how long one takes that prefills and decodes so much.
func (c Cost) step(prefill, decode int) time.Duration {
	var d time.Duration
	if c.Prefill > 0 {
		d = time.Duration(prefill) * time.Second / time.Duration(c.Prefill)
	}
	if decode > 0 {
		d += c.Step + time.Duration(decode)*c.Sequence
	}
	return d
}
