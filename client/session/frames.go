package session

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// onFrame opens the next frame. Others than the next are dropped: those before it
// came already, and those behind a gap come again when it was asked for. What comes
// after the application has gone is counted all the same: the worker bills it.
func (a *answer) onFrame(frame []byte) error {
	h, err := stream.ParseFrameHeader(frame)
	if err != nil {
		return err
	}
	t := &a.attempt
	if t.opener == nil || h.Attempt != t.number || t.opener.Ended() || h.Seq < t.opener.Seq() || t.spoilt {
		return nil
	}
	if h.Seq > t.opener.Seq() {
		if !a.asked {
			a.asked = true
			a.resume()
		}
		return nil
	}
	content, h, err := t.opener.Open(frame)
	if err != nil {
		t.spoilt = true
		a.tell(stream.CancelVerb, stream.Cancel{Request: a.id, Seq: a.seq()})
		a.finish(lost("the answer was tampered with: %w", err))
		return err
	}
	a.asked = false
	t.live = uint64(h.Out)
	if err = a.keepUp(); err != nil && cocoon.KindOf(err) != cocoon.NoMoney { // without money the dispatcher stops it
		return err
	}
	items, err := t.items.Next(content)
	if err != nil {
		t.spoilt = true
		a.finish(lost("the worker sent what is no answer: %w", err))
		return err
	}
	if h.Out == 0 && !h.Final {
		if !t.hold(items, a.s.cfg.Buffer) {
			a.overflow()
		}
		return nil
	}
	if len(t.held) > 0 {
		items, t.held = append(t.held, items...), nil
	}
	a.deliver(items)
	if h.Final {
		a.close()
	}
	a.out.wake() // once for the last items and the end
	return nil
}

var endMark = []byte("[DONE]")

// hold keeps items that come before the first token: until then another attempt may
// take over. It reports false where they are too many.
func (t *attempt) hold(items [][]byte, limit int) bool {
	for _, item := range items {
		t.heldBytes += len(item) + overhead
	}
	t.held = append(t.held, items...)
	return t.heldBytes <= limit
}

// deliver hands items to the application, and notes the usage in them.
func (a *answer) deliver(items [][]byte) {
	t := &a.attempt
	if u := lastUsage(items); u != nil {
		t.usage = u
	}
	items = slices.DeleteFunc(items, func(item []byte) bool { return !a.note(item) })
	if !a.finished && !a.out.add(items) {
		a.overflow()
	}
}

// lastUsage is the newest count in items, nil where there is none. Engines count in
// every item, so that those before it need not be read.
func lastUsage(items [][]byte) *cocoon.Usage {
	for _, item := range slices.Backward(items) {
		if !bytes.Contains(item, []byte(`"usage"`)) {
			continue
		}
		if u, err := openai.ParseUsage(item); err == nil {
			return &u
		}
	}
	return nil
}

// note takes what an item says of the answer, and reports whether it is for the
// application.
func (a *answer) note(item []byte) bool {
	t := &a.attempt
	t.begun = true
	t.bytes += uint64(len(item))
	end := bytes.Equal(item, endMark)
	if end || a.route.Endpoint == stream.Embeddings && t.usage != nil {
		t.whole = true
	}
	if isRefusal(item) {
		t.refusal = item
		return false
	}
	return !end
}

// close is after the final frame. An answer that the engine did not end, or without
// its usage, is not whole: its receipt says why.
func (a *answer) close() {
	t := &a.attempt
	switch {
	case t.whole && t.usage != nil:
		cost, err := a.set.Candidates[t.candidate].Price.Cost(*t.usage)
		if err == nil {
			a.charge(*t.usage, cost)
			a.settle() // a receipt can only make it less
		}
		a.finish(io.EOF)
	case t.refusal != nil && t.bytes == uint64(len(t.refusal)): // and nothing else
		a.finish(refused(t.refusal))
	default:
		a.silence = a.s.cfg.Patience
		a.asked = true // for nothing: all frames are there
	}
	if a.final != nil {
		raw := a.final
		a.final = nil
		if err := a.onFinal(raw); err != nil {
			a.s.log.Warn("receipt refused", "request", a.id, "error", err)
		}
	}
}

// engineError is OpenAI's error object, as engines answer with.
type engineError struct {
	Error *struct {
		Code json.RawMessage `json:"code"`
	} `json:"error"`
}

func isRefusal(item []byte) bool {
	if !bytes.Contains(item, []byte(`"error"`)) {
		return false
	}
	var e engineError
	return json.Unmarshal(item, &e) == nil && e.Error != nil
}

// refused is an engine's no, with the status that it names.
func refused(item []byte) error {
	var e engineError
	status := http.StatusBadRequest
	if json.Unmarshal(item, &e) == nil && e.Error != nil {
		var n int
		if json.Unmarshal(e.Error.Code, &n) == nil && n >= 400 && n < 600 {
			status = n
		}
	}
	return &api.Refusal{Status: status, Body: item}
}

// onWant shows cover.
func (a *answer) onWant(v stream.Want) error {
	if a.finished || a.attempt.opener == nil {
		return nil
	}
	if err := a.keepUp(); err != nil {
		return err
	}
	ledger := a.s.deps.Ledger
	cover, err := ledger.Cover(cocoon.Nano{}) // what is signed already
	if err == nil && cover.Cumulative.Cmp(v.Need) < 0 {
		cover, err = ledger.Cover(v.Need)
	}
	if err != nil {
		return err
	}
	a.tell(stream.MoreVerb, stream.More{Request: a.id, Cover: cover})
	return nil
}

// keepUp sets another slice aside whenever half of what is set aside was used. Cover
// of other requests may let a dispatcher run ahead of it, unasked, and nothing is
// paid that was not set aside.
func (a *answer) keepUp() error {
	for a.outruns(a.attempt.live) {
		granted := min(a.granted+bound.Slice, a.size.MaxOut)
		amount, err := a.size.Reserve(a.set.price(), granted)
		if err != nil {
			return err
		}
		more, err := amount.Sub(a.Reserved())
		if err != nil {
			return err
		}
		if _, err = a.s.deps.Ledger.Extend(a.id, more); err != nil {
			return err
		}
		a.granted = granted
		a.mu.Lock()
		a.reserved = amount
		a.mu.Unlock()
	}
	return nil
}

// outruns reports whether so many tokens are half of what is set aside for.
func (a *answer) outruns(tokens uint64) bool {
	return a.granted < a.size.MaxOut && tokens*2 >= a.granted*a.size.Choices
}
