package harness

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// manner is how a client behaves towards its dispatcher.
type manner int

const (
	honest   manner = iota
	silent          // answers no receipt
	contrary        // disputes all of it
)

// ear hears what passes a dispatcher's wire, and has those cheat who do.
type ear struct {
	house   *house
	hostile bool // the dispatcher

	mu       sync.Mutex
	channels map[[32]byte]cocoon.Account       // by key
	manners  map[cocoon.Account]manner         // by channel
	vouchers map[cocoon.Account]voucher.Signed // the highest, by channel
	starts   map[stream.RequestID]stream.Start
	peers    map[uint64][]stream.Candidate // by lease
	did      map[string]int
}

func newEar(h *house) *ear {
	e := &ear{house: h, channels: map[[32]byte]cocoon.Account{}, manners: map[cocoon.Account]manner{}, vouchers: map[cocoon.Account]voucher.Signed{},
		starts: map[stream.RequestID]stream.Start{}, peers: map[uint64][]stream.Candidate{}, did: map[string]int{}}
	h.wire.with(e.meddle)
	return e
}

func (e *ear) behaves(channel cocoon.Account, m manner) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.manners[channel] = m
}

// highest is the highest voucher that ever passed.
func (e *ear) highest(channel cocoon.Account) voucher.Signed {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.vouchers[channel]
}

// seen adds the highest amounts that ever passed, by channel.
func (e *ear) seen(all map[cocoon.Account]cocoon.Nano) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for channel, v := range e.vouchers {
		all[channel] = v.Cumulative
	}
}

func (e *ear) saw(v voucher.Signed) {
	if held := e.vouchers[v.Channel]; held.Cumulative.Cmp(v.Cumulative) < 0 {
		e.vouchers[v.Channel] = v
	}
}

func (e *ear) meddle(m said) []said {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.up {
		return e.upwards(m)
	}
	if !e.hostile {
		return []said{m}
	}
	return e.downwards(m)
}

// upwards is what clients and workers say.
func (e *ear) upwards(m said) []said {
	switch stream.KindOf(m.data) {
	case "hello":
		if h, err := stream.ParseHello(m.data); err == nil {
			if key, err := stream.DaemonOf(m.subject); err == nil {
				e.channels[key] = h.Channel
			}
		}
	case "start":
		s, err := stream.ParseStart(m.data)
		if err != nil {
			break
		}
		e.saw(s.Pay.Cover)
		if e.hostile {
			e.starts[s.Route.Request] = s
		}
		if int(s.Size) == len(s.Body) { // parts have to follow
			m.after = disorder()
		}
	case "more":
		if v, err := stream.ParseMore(m.data); err == nil {
			e.saw(v.Cover)
			m.after = disorder()
		}
	case "settle":
		s, err := stream.ParseSettle(m.data)
		if err != nil {
			break
		}
		e.saw(s.Paid)
		m.after = disorder()
		switch e.manners[s.Paid.Channel] {
		case silent:
			e.did["never signs"]++
			return nil
		case contrary:
			e.did["disputes"]++
			for i := range s.Agreed {
				s.Agreed[i].Cost, s.Agreed[i].Usage = cocoon.Nano{}, cocoon.Usage{}
			}
			m.data = s.Bytes()
		}
	}
	return []said{m}
}

// disorder lets later messages pass this one.
func disorder() time.Duration { return time.Duration(rand.IntN(20)) * time.Millisecond }

// downwards is what a hostile dispatcher says.
func (e *ear) downwards(m said) []said {
	switch stream.KindOf(m.data) {
	case "leases":
		if l, err := stream.ParseLeases(m.data); err == nil {
			for _, s := range l.Sets {
				e.peers[s.ID] = s.Candidates
			}
		}
	case "state":
		if s, err := stream.ParseState(m.data); err == nil && rand.IntN(3) == 0 {
			e.did["hides the newest voucher"]++
			s.Cover, s.Paid, s.Used = cocoon.Nano{}, cocoon.Nano{}, cocoon.Nano{}
			m.data = s.Bytes()
		}
	case "frame":
		h, err := stream.ParseFrameHeader(m.data)
		if err != nil {
			break
		}
		switch mood(h.Request) {
		case 0:
			if h.Seq > 0 {
				e.did["withholds the tail"]++
				return nil
			}
		case 1:
			e.did["alters counts"]++
			m.data = append([]byte{}, m.data...)
			m.data[2+16+1+4+2]++ // 256 tokens more are out
		}
	case "final":
		f, err := stream.ParseFinal(m.data)
		if err != nil {
			break
		}
		switch mood(f.Request) {
		case 0:
			return nil
		case 2:
			e.did["alters a receipt"]++
			f.Receipt = append([]byte{}, f.Receipt...)
			f.Receipt[len(f.Receipt)/2] ^= 1
			m.data = f.Bytes()
		}
	case "order":
		if o, err := stream.ParseOrder(m.data); err == nil && mood(o.Route.Request) == 3 {
			e.did["orders twice"]++
			e.orderElsewhere(o)
			return []said{m, m}
		}
	case "ack":
		if a, err := stream.ParseAck(m.data); err == nil && len(a.Earned) > 0 && mood(a.Boot) == 4 {
			e.did["withholds what was earned"]++
			a.Earned = nil
			m.data = a.Bytes()
		}
	}
	return []said{m}
}

// mood is how a hostile dispatcher treats a request, or a run: one in eight each way.
func mood[T stream.RequestID | stream.Boot](id T) int { return int(id[0] % 8) }

// orderElsewhere has the other candidates of a request work on it, too.
func (e *ear) orderElsewhere(o stream.Order) {
	s, ok := e.starts[o.Route.Request]
	if !ok {
		return
	}
	for i, c := range e.peers[s.Pay.Lease] {
		if i < len(s.Wraps) && len(s.Wraps[i]) > 0 && c.KeyID != o.KeyID {
			second := o
			second.Wrap, second.KeyID, second.Price = s.Wraps[i], c.KeyID, c.Price
			go e.house.wire.inject(stream.ToWorker(c.Worker, c.Boot, stream.OrderVerb), "_INBOX.nobody", second.Bytes())
		}
	}
}
