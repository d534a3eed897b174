package answer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/worker/engine"
)

func TestAnswer_IsWhatTheEngineSaysAndItsReceiptWhatTheReaderSaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":30,"stream":true`))
	got := w.read(r, w.taken(r))
	require.True(t, got.done())
	require.Contains(t, got.text(t), engine.Notice)
	require.Equal(t, stream.Finished, got.reason())
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	require.EqualValues(t, 30, got.usage.Completion)
	require.EqualValues(t, 32, got.out, "rounded up")

	r = w.newRequest(stream.Completions, fmt.Sprintf(`{"model":%q,"prompt":%q,"n":2}`, model, secret), func(r *stream.Route) { r.Choices = 2 })
	got = w.read(r, w.taken(r))
	require.True(t, got.done())
	require.Equal(t, got.usage, got.receipt.Content.Usage)

	r = w.newRequest(stream.Embeddings, fmt.Sprintf(`{"model":%q,"input":%q}`, model, secret), func(r *stream.Route) { r.MaxOut = 0 })
	r.Slice = 0
	got = w.read(r, w.taken(r))
	require.Len(t, got.items, 1, "an answer that is no stream is one item")
	require.True(t, json.Valid([]byte(got.items[0])))
	require.Equal(t, stream.Finished, got.reason())
	require.NotZero(t, got.usage.Prompt)
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	require.EqualValues(t, 3, got.receipt.Number, "numbers have no gaps")
}

// The body of an embeddings answer is larger than a frame, and arrives whole.
func TestAnswer_LargerThanAFrameIsOneItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"data":"` + strings.Repeat("x", 3*stream.MaxFrame) + `","usage":{"prompt_tokens":5}}`
	w.engineIs(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, body) })
	w.start()
	r := w.newRequest(stream.Embeddings, fmt.Sprintf(`{"model":%q,"input":"x"}`, model))
	got := w.read(r, w.taken(r))
	require.Equal(t, []string{body}, got.items)
	require.Equal(t, cocoon.Usage{Prompt: 5}, got.receipt.Content.Usage)
}

func TestAnswer_ALargePromptComesInPartsOfAnySequence(t *testing.T) {
	t.Parallel()
	w := tookWithin(t, time.Minute) // the parts wait for took, which therefore does not
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":3,"filler":"`+strings.Repeat("x", 3*stream.MaxPart)+`"`))
	took := w.taken(r)
	var parts [][]byte
	for i := stream.MaxPart; i < len(r.body); i += stream.MaxPart {
		parts = append(parts, stream.Part{Request: r.Route.Request, Index: uint8(i / stream.MaxPart), Data: r.body[i:min(i+stream.MaxPart, len(r.body))]}.Bytes())
	}
	require.Len(t, parts, 3)
	for _, i := range []int{2, 0, 0, 2, 1} {
		require.Empty(t, w.ask(stream.PartVerb, parts[i]))
	}
	got := w.read(r, took)
	require.True(t, got.done())
}

func TestBody_ThatIsNoneIsRefusedAndItsSlotIsFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Body = 50 * time.Millisecond
	w.start()
	large := chat(`,"filler":"` + strings.Repeat("x", stream.MaxPart) + `"`)
	part := func(r *request, index uint8, data []byte) stream.Code {
		raw := w.ask(stream.PartVerb, stream.Part{Request: r.Route.Request, Index: index, Data: data}.Bytes())
		if len(raw) == 0 {
			return 0
		}
		f, err := stream.ParseFail(raw)
		require.NoError(t, err)
		return f.Code
	}
	free := func() { w.until("a free slot", func() bool { return len(w.slots) == 0 }) }

	r := w.newRequest(stream.Chat, large)
	w.taken(r)
	rest := r.body[stream.MaxPart:]
	require.Equal(t, stream.BadRequest, part(r, 2, rest))
	require.Equal(t, stream.BadRequest, part(r, 1, rest[1:]))
	rest[0] ^= 1
	require.Equal(t, stream.WrongKey, part(r, 1, rest), "the wrap opens with this body only")
	free()

	late := w.newRequest(stream.Chat, large)
	w.taken(late)
	free()
	require.Equal(t, stream.LeaseGone, part(late, 1, late.body[stream.MaxPart:]), "the time for it is over")
	require.Empty(t, w.frames)
	require.Empty(t, w.receipts)
}

func TestOrders_ARouteIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":2`))
	const n = 20
	answers := make(chan string, n)
	for range n { // Handle is called by one goroutine
		w.s.Handle(stream.OrderVerb, r.Bytes(), func(raw []byte) { answers <- stream.KindOf(raw) })
	}
	kinds := map[string]int{}
	for range n {
		kinds[<-answers]++
	}
	require.Equal(t, map[string]int{"took": 1, "fail": n - 1}, kinds)
	w.receiptOf(r)
	w.until("nothing of it is kept", func() bool { return w.s.Load().Running == 0 })
	time.Sleep(2 * w.cfg.Linger)
	_, f := w.order(r)
	require.Equal(t, stream.LeaseGone, f.Code)
	w.pass(601 * time.Second)
	_, f = w.order(r)
	require.Equal(t, stream.Overdue, f.Code)
}

// A local chain lives in the past: proofs and evidence are of its time, and
// daemons go by that or by their own.
func TestOrders_OnALocalChainAreOfEitherTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.past = 10_000 * time.Hour
	w.d = w.newParty(1)
	w.record.Block = w.block(100)
	w.start()
	past := func(r *stream.Route) {
		r.Issued, r.Expires = r.Issued-uint32(w.past.Seconds()), r.Expires-uint32(w.past.Seconds())
	}
	_, e := w.evidence()
	require.Less(t, int64(e.Claims.NotAfter), w.clock().Unix())
	for _, edit := range []func(*stream.Route){past, func(*stream.Route) {}} {
		r := w.newRequest(stream.Chat, chat(`,"max_tokens":1`), edit)
		w.read(r, w.taken(r))
		w.pass(time.Minute)
		_, f := w.order(r)
		require.NotNil(t, f, "taken once")
	}
	_, f := w.order(w.newRequest(stream.Chat, chat(""), func(r *stream.Route) { r.Issued, r.Expires = r.Issued-500, r.Expires-500 }))
	require.Equal(t, stream.Overdue, f.Code)
}

func TestOrders_ThatBreakARuleAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	_, f := w.order(w.newRequest(stream.Chat, chat(""), func(r *stream.Route) { r.Issued, r.Expires = r.Issued-1, r.Expires-1 }))
	require.Equal(t, stream.Overdue, f.Code)
	require.Contains(t, f.Text, "before this worker started")
	w.pass(150 * time.Second)
	w.taken(w.newRequest(stream.Chat, chat(`,"max_tokens":1`))) // all is well before
	for name, c := range map[string]struct {
		route func(*stream.Route)
		order func(*request)
		code  stream.Code
	}{
		"expired":            {route: func(r *stream.Route) { r.Issued, r.Expires = r.Issued-20, r.Issued-10 }, code: stream.Overdue},
		"too old":            {route: func(r *stream.Route) { r.Issued, r.Expires = r.Issued-121, r.Expires-121 }, code: stream.Overdue},
		"of the future":      {route: func(r *stream.Route) { r.Issued, r.Expires = r.Issued+121, r.Expires+121 }, code: stream.Overdue},
		"another model":      {route: func(r *stream.Route) { r.Model[0]++ }, code: stream.LeaseGone},
		"price too low":      {order: func(r *request) { r.Price.Cached = cocoon.NanoOf(499) }, code: stream.LeaseGone},
		"price over caps":    {order: func(r *request) { r.Price.Prompt = cocoon.TON(1) }, code: stream.BadRequest},
		"unknown key":        {order: func(r *request) { r.KeyID++ }, code: stream.WrongKey},
		"changed wrap":       {order: func(r *request) { r.Wrap[5] ^= 1 }, code: stream.WrongKey},
		"changed body":       {order: func(r *request) { r.Body[50] ^= 1 }, code: stream.WrongKey},
		"another max_out":    {order: func(r *request) { r.Route.MaxOut++ }, code: stream.WrongKey},
		"another request":    {order: func(r *request) { r.Route.Request[3]++ }, code: stream.WrongKey},
		"other caps":         {order: func(r *request) { r.Route.Caps.Prompt = cocoon.NanoOf(1001) }, code: stream.WrongKey},
		"unknown dispatcher": {order: func(r *request) { r.Rewards[31]++ }, code: stream.Busy},
	} {
		edit := c.route
		if edit == nil {
			edit = func(*stream.Route) {}
		}
		r := w.newRequest(stream.Chat, chat(""), edit)
		if c.order != nil {
			c.order(r)
		}
		_, f := w.order(r)
		require.NotNil(t, f, name)
		require.Equal(t, c.code, f.Code, "%s: %s", name, f.Text)
	}
	r := w.newRequest(stream.Chat, `{"model":"another"}`)
	_, f = w.order(r)
	require.Equal(t, stream.BadRequest, f.Code)
	w.until("all slots are free again", func() bool { return len(w.slots) == 0 })
	_, f = w.order(r)
	require.Equal(t, stream.BadRequest, f.Code, "a route that was not taken may come again")
}

func TestOrders_OfADispatcherThatBreaksARuleAreRefused(t *testing.T) {
	t.Parallel()
	edit := func(f func(*answer.Dispatcher)) func(*world) {
		return func(w *world) {
			w.change(func() {
				d := w.parties[w.d.rewards]
				f(&d)
				w.parties[w.d.rewards] = d
			})
		}
	}
	for name, c := range map[string]struct {
		before func(*world)
		book   func(*world) // in place of one that is well
		text   string
	}{
		"bond":            {before: edit(func(d *answer.Dispatcher) { d.Bond, d.Unbonding = cocoon.TON(19), cocoon.TON(9) }), text: "bond"},
		"no terms":        {before: edit(func(d *answer.Dispatcher) { d.Terms = nil }), text: "terms"},
		"fee":             {before: func(w *world) { w.cfg.MaxFee = 99 }, text: "fee"},
		"registry":        {before: edit(func(d *answer.Dispatcher) { d.Birth.Registry[0]++ }), text: "registry"},
		"no receipt key":  {before: edit(func(d *answer.Dispatcher) { d.Keys.Key = [32]byte{} }), text: "receipt key"},
		"old proof":       {before: edit(func(d *answer.Dispatcher) { d.Block.Time -= 3600 }), text: "fresh proof"},
		"not of the list": {before: func(w *world) { w.cfg.Rewards = []cocoon.Account{{9}} }, text: "not one of"},
		"no book":         {book: func(*world) {}, text: "no book"},
		"forged book":     {book: func(w *world) { w.tellBook(party{w.d.rewards, key(66)}, 100, cocoon.Nano{}) }, text: "no book"},
		"owes too much":   {book: func(w *world) { w.tellBook(w.d, 100, cocoon.TON(21)) }, text: "backed"},
		"old book": {book: func(w *world) {
			w.tellBook(w.d, 100, cocoon.Nano{})
			w.follows()
			w.pass(5 * time.Minute)
		}, text: "no book"},
		"unopened claims": {before: func(w *world) { w.cfg.MaxOwed = cocoon.NanoOf(9) }, book: func(w *world) {
			w.tellBook(w.d, 100, cocoon.Nano{})
			r := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
			w.taken(r)
			w.receiptOf(r)
			w.acknowledge(1, w.earned(w.d, 3, 10))
		}, text: "not opened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bookless = c.book != nil
			if c.before != nil {
				c.before(w)
			}
			w.start()
			if c.book != nil {
				c.book(w)
			}
			for until := time.Now().Add(wait); ; { // the chain is followed by and by
				_, f := w.order(w.newRequest(stream.Chat, chat(`,"max_tokens":1`)))
				if f != nil && f.Code == stream.Busy && strings.Contains(f.Text, c.text) {
					return
				}
				require.True(t, time.Now().Before(until), "refused for another reason: %v", f)
			}
		})
	}
}

// The time of a local chain may jump between two looks at it.
func TestOrders_ABookIsAsYoungAsTheChainSaysAfterAJump(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Refresh = 5 * time.Minute
	w.start()
	w.follows()
	w.taken(w.newRequest(stream.Chat, chat(`,"max_tokens":1`)))
	w.pass(12 * time.Minute)
	w.tellBook(w.d, w.record.Block.Seqno, cocoon.Nano{})
	require.Eventually(t, func() bool {
		_, f := w.order(w.newRequest(stream.Chat, chat(`,"max_tokens":1`)))
		return f == nil
	}, wait, time.Millisecond)
}

func TestOrders_AWorkerStopsAtWhatIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	dear := cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(500), Reasoning: cocoon.TON(500)}
	owe := func() *request { // 30 tokens, 0.015 TON
		r := w.newRequest(stream.Chat, chat(`,"max_tokens":30`), func(r *stream.Route) { r.Caps = dear })
		r.Price = dear
		return r
	}
	for range 2 {
		r := owe()
		w.taken(r)
		w.receiptOf(r)
	}
	_, f := w.order(owe())
	require.Equal(t, stream.Busy, f.Code)
	require.Contains(t, f.Text, "not acknowledged")
	other := w.newParty(2)
	w.tellBook(other, 100, cocoon.Nano{})
	r := owe()
	r.Rewards = other.rewards
	w.taken(r) // another dispatcher is another debtor
	require.EqualValues(t, 1, w.receiptOf(r).Number, "and has numbers of its own")
	w.acknowledge(2, w.earned(w.d, 3, 29_000_000))
	require.Eventually(t, func() bool { return w.s.Figures()[0].Unpromised.IsZero() }, wait, time.Millisecond)
	for range 3 { // it earned 0.03 TON in the last minute: so much may be open
		r := owe()
		w.taken(r)
		w.receiptOf(r)
	}
	_, f = w.order(owe())
	require.Equal(t, stream.Busy, f.Code)
	w.acknowledge(5, w.earned(w.d, 3, 75_000_000))
	require.Eventually(t, func() bool { return w.s.Figures()[0].Unpromised.IsZero() }, wait, time.Millisecond)
	w.taken(owe())
}

// An acknowledgement is no signature: who gives nothing but that is served no longer.
func TestOrders_AWorkerStopsAtWhatIsAcknowledgedAndNotPromised(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	dear := cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(500), Reasoning: cocoon.TON(500)}
	next := func() *request { // 30 tokens, 0.015 TON
		w.tellBook(w.d, w.record.Block.Seqno, cocoon.Nano{})
		r := w.newRequest(stream.Chat, chat(`,"max_tokens":30`), func(r *stream.Route) { r.Caps = dear })
		r.Price = dear
		return r
	}
	for n := range uint32(2) {
		r := next()
		w.taken(r)
		w.receiptOf(r)
		w.acknowledge(n+1, nil)
	}
	w.pass(61 * time.Second)
	_, f := w.order(next())
	require.Equal(t, stream.Busy, f.Code)
	require.Contains(t, f.Text, "not signed for")
	w.acknowledge(2, w.earned(w.d, 3, 15_000_000))
	require.Eventually(t, func() bool { return w.s.Figures()[0].Unpromised.Cmp(cocoon.NanoOf(20_000_000)) < 0 }, wait, time.Millisecond)
	w.taken(next())
}

// Neither time nor a new run forgets what was acknowledged and not signed for: a
// dispatcher that never signs is given X_u and one order in all.
func TestOrders_OnlyAPromiseForgetsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	dear := cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(500), Reasoning: cocoon.TON(500)}
	given, number := 0, uint32(0)
	offer := func() bool { // 30 tokens, 0.015 TON
		w.tellBook(w.d, w.record.Block.Seqno, cocoon.Nano{})
		r := w.newRequest(stream.Chat, chat(`,"max_tokens":30`), func(r *stream.Route) { r.Caps = dear })
		r.Price = dear
		if _, f := w.order(r); f != nil {
			require.Contains(t, f.Text, "not signed for")
			return false
		}
		number = w.receiptOf(r).Number
		w.acknowledge(number, nil)
		return true
	}
	for hour := range 8 {
		if offer() {
			given++
		}
		w.pass(time.Hour)
		w.follows()
		if hour%3 == 2 {
			w.s.Kill()
			w.start()
			w.pass(time.Second) // routes are issued after it
			w.follows()
		}
	}
	require.Equal(t, 2, given)
	w.acknowledge(0, w.earned(w.d, 3, 14_250_000))
	require.Eventually(t, offer, wait, time.Millisecond, "half is promised: there is room for one more")
	require.False(t, offer())
	w.acknowledge(number, w.earned(w.d, 3, 90_000_000)) // as for other workers of its provider
	require.Eventually(t, offer, wait, time.Millisecond)
	require.True(t, offer())
	w.pass(time.Hour)
	w.follows()
	require.False(t, offer(), "what was promised for others is nothing to draw on")
}

// What is promised may be heard of before what it is for was acknowledged.
func TestOrders_APromiseMayComeBeforeItsAcknowledgement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	dear := cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(500), Reasoning: cocoon.TON(500)}
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":30`), func(r *stream.Route) { r.Caps = dear })
	r.Price = dear
	w.taken(r)
	cost := w.receiptOf(r).Content.Cost
	w.s.Handle(stream.AckVerb, stream.Ack{Rewards: w.d.rewards, Boot: w.s.Boot(), Earned: w.earned(w.d, 3, cost.Big().Uint64())}.Bytes(), nil)
	require.Eventually(t, func() bool { return !w.s.Figures()[0].Ahead.IsZero() }, wait, time.Millisecond)
	w.acknowledge(1, nil)
	require.Zero(t, w.s.Figures()[0].Owed)
	require.Zero(t, w.s.Figures()[0].Unpromised)
}

// Who acknowledges a receipt has those before it, and a receipt is over frames that were sent.
func TestReceipts_ComeInOrderAndAfterTheirFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck, w.cfg.Linger = true, time.Minute
	w.start()
	first, second := w.newRequest(stream.Chat, chat(`,"max_tokens":1`)), w.newRequest(stream.Chat, chat(`,"max_tokens":2`))
	w.change(func() { w.withheld = first.Route.Request })
	took := w.taken(first)
	w.until("the first is over", func() bool { return len(w.slots) == 0 })
	w.taken(second)
	w.until("the second is over", func() bool { return len(w.slots) == 0 && len(w.frames[second.Route.Request]) > 0 })
	time.Sleep(3 * w.cfg.Repeat)
	w.mu.Lock()
	require.Empty(t, w.receipts)
	w.mu.Unlock()
	w.acknowledge(2, nil) // a guess
	w.change(func() { w.withheld = stream.RequestID{} })
	require.True(t, w.read(first, took).done())
	w.receiptOf(second)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.EqualValues(t, 1, w.receipts[w.d.rewards][0].Number)
}

func TestReceipts_AreRepeatedUntilTheyAreAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	first, second := w.newRequest(stream.Chat, chat(`,"max_tokens":1`)), w.newRequest(stream.Chat, chat(`,"max_tokens":2`))
	w.taken(first)
	w.receiptOf(first)
	w.taken(second)
	count := func(number uint32) (n int) {
		for _, u := range w.receipts[w.d.rewards] {
			if u.Number == number {
				n++
			}
		}
		return n
	}
	w.until("both are repeated", func() bool { return count(1) > 2 && count(2) > 2 })
	w.change(func() { w.deaf = true })
	w.change(func() { w.deaf, w.receipts = false, map[cocoon.Account][]receipt.SignedUsage{} })
	w.until("they come again after the link was lost", func() bool { return count(1) > 0 && count(2) > 0 })
	w.acknowledge(1, nil)
	w.change(func() { w.receipts = map[cocoon.Account][]receipt.SignedUsage{} })
	w.until("the second goes on", func() bool { return count(2) > 3 })
	w.mu.Lock()
	require.LessOrEqual(t, count(1), 1, "but for one on its way")
	w.mu.Unlock()
	w.acknowledge(9, nil) // it never had these
	w.until("the second still goes on", func() bool { return count(2) > 6 })
	require.Contains(t, w.log.String(), "never had")
}
