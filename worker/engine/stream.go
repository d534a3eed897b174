package engine

import (
	"context"
	"net/http"
)

// stream tells a task token by token, as the batch makes them.
func (d *delivery) stream(ctx context.Context, w http.ResponseWriter, stop func() bool) outcome {
	out := newEvents(w, d.plan)
	d.task.frame.Created = d.created
	breaks := func(at, have int) bool { return at >= 0 && have == min(at, d.ticket.steps-1) }
	var sent usage
	if d.plan.cut == 0 {
		return d.cut(stop)
	}
	for have := 0; have < d.ticket.steps; {
		done, ok := d.engine.batch.wait(ctx, d.ticket, have)
		if !ok {
			return cancelled
		}
		if have == 0 {
			sent.Prompt = d.task.usage(0).Prompt
			sent.Total, sent.PromptOf.Cached = sent.Prompt, d.engine.batch.hits(d.ticket)
		}
		for ; have < done; have++ {
			switch {
			case breaks(d.plan.cut, have):
				_ = out.half(mustJSON(d.chunk(0, min(have, len(d.task.answers[0].pieces)), &sent))) // whether it arrives is the same
				return d.cut(stop)
			case breaks(d.plan.err, have):
				return d.fail(out, stop)
			}
			if ctx.Err() != nil || d.step(out, have, &sent) != nil {
				return cancelled
			}
		}
	}
	return d.finish(out, stop)
}

// step sends the token at position of each choice that has one. Why a choice
// ends is an event of its own after its last token, as OpenAI tells it.
func (d *delivery) step(out *events, position int, sent *usage) error {
	for i, a := range d.task.answers {
		if position < len(a.pieces) {
			sent.add(a.pieces[position])
			if err := out.send(mustJSON(d.chunk(i, position, sent))); err != nil {
				return err
			}
		}
		if position == max(len(a.pieces)-1, 0) {
			if err := out.send(mustJSON(d.chunk(i, len(a.pieces), sent))); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk is the event of one token, or of the end after the last. Where usage
// was asked for, every event has the field, and with vLLM's option the count so far.
func (d *delivery) chunk(index, position int, sent *usage) completion {
	a, c := d.task.answers[index], d.task.frame
	one := d.task.event(index, position)
	if position == len(a.pieces) {
		one.Reason = &a.reason
	}
	c.Choices = []choice{one}
	switch opts := d.task.StreamOpts; {
	case opts == nil || d.plan.noUsage:
	case opts.Continuous:
		c.Usage = d.plan.bend(*sent)
	case opts.Usage:
		c.Usage = null
	}
	return c
}

func (d *delivery) fail(out *events, stop func() bool) outcome {
	if !d.settle(failed, stop) {
		return cancelled
	}
	_ = out.send(mustJSON(busy(http.StatusInternalServerError, 0))) // fails only where the caller has gone
	return failed
}

// finish ends a stream. It is counted first: a client may go as soon as it has
// read [DONE].
func (d *delivery) finish(out *events, stop func() bool) outcome {
	if !d.settle(finished, stop) {
		return cancelled
	}
	if opts := d.task.StreamOpts; opts != nil && opts.Usage && !d.plan.noUsage {
		last := d.task.frame
		last.Choices, last.Usage = []choice{}, d.total()
		_ = out.send(mustJSON(last)) // as above
	}
	if !d.plan.noDone {
		_ = out.send([]byte("[DONE]"))
	}
	return finished
}
