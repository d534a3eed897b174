package stream

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Start asks a dispatcher to have a request answered. A body of more than
// MaxPart bytes follows in parts.
type Start struct {
	Route Route
	Pay   Pay
	Wraps [][]byte
	Size  uint32 // of the whole body, bytes
	Body  []byte // its first part
}

// Bytes are s as it travels.
func (s Start) Bytes() []byte {
	w := newWriter(kindStart, 512+len(s.Wraps)*envelope.WrapSize+len(s.Body))
	w.blob(s.Route.Bytes())
	s.Pay.appendTo(&w)
	w.u8(uint8(len(s.Wraps)))
	for _, wrap := range s.Wraps {
		w.blob(wrap)
	}
	w.u32(s.Size)
	w.blob(s.Body)
	return w
}

// ParseStart reads what Bytes wrote; the body shares the message's memory.
func ParseStart(b []byte) (s Start, err error) {
	r := readerOf(b, kindStart)
	s.Route = r.route()
	s.Pay = r.pay()
	for range r.count(MaxCandidates) {
		s.Wraps = append(s.Wraps, r.blob(envelope.WrapSize))
	}
	s.Size, s.Body = r.body()
	return s, r.end()
}

func (r *reader) route() Route {
	raw := r.blob(routeSize + 2)
	if r.err != nil {
		return Route{}
	}
	route, err := ParseRoute(raw)
	if err != nil {
		r.err = err
	}
	return route
}

// body is the size of a whole body and its first part.
func (r *reader) body() (size uint32, first []byte) {
	size, first = r.u32(), r.blob(MaxPart)
	if uint64(size) > uint64(envelope.MaxBlob) || uint64(len(first)) != min(uint64(size), MaxPart) {
		r.fail("has %d of %d bytes of its body", len(first), size)
	}
	return size, first
}

// Part is a later part of a body: all but the last are MaxPart bytes.
type Part struct {
	Request RequestID
	Index   uint8 // the one that came with the request is 0
	Data    []byte
}

// Bytes are p as it travels.
func (p Part) Bytes() []byte {
	w := newWriter(kindPart, 32+len(p.Data))
	w.fixed(p.Request[:])
	w.u8(p.Index)
	w.blob(p.Data)
	return w
}

// ParsePart reads what Bytes wrote; Data shares the message's memory.
func ParsePart(b []byte) (p Part, err error) {
	r := readerOf(b, kindPart)
	r.into(p.Request[:])
	p.Index, p.Data = r.u8(), r.blob(MaxPart)
	return p, r.end()
}

// Took says that a candidate works on a request.
type Took struct {
	Request   RequestID
	Attempt   uint8 // 1 is the first
	Candidate uint8 // place in the lease's set
	Nonce     Nonce
}

// Bytes are t as it travels.
func (t Took) Bytes() []byte {
	w := newWriter(kindTook, 64)
	w.fixed(t.Request[:])
	w.u8(t.Attempt)
	w.u8(t.Candidate)
	w.fixed(t.Nonce[:])
	return w
}

// ParseTook reads what Bytes wrote.
func ParseTook(b []byte) (t Took, err error) {
	r := readerOf(b, kindTook)
	r.into(t.Request[:])
	t.Attempt, t.Candidate = r.u8(), r.u8()
	r.into(t.Nonce[:])
	return t, r.end()
}

// Code says why a request failed.
type Code uint8

// Codes.
const (
	NoCapacity    Code = iota + 1 // no worker is free; again after a while
	NeedCover                     // Need says how much a voucher has to cover
	ChannelInUse                  // another session has the channel
	ChannelClosed                 // or closing, or refused after disputes
	BadRequest                    // it cannot be served as it is
	LeaseGone                     // expired or used; ask for another
	WorkerLost                    // after the answer had begun
	Lagging                       // the dispatcher does not follow the chain at the moment
	Overdue                       // its time is over
	WrongKey                      // the worker does not have the key that the prompt is encrypted to
	Busy                          // this worker is; another may not be
)

var codes = map[Code]string{NoCapacity: "no_capacity", NeedCover: "voucher_required", ChannelInUse: "channel_in_use", ChannelClosed: "channel_closed", BadRequest: "bad_request",
	LeaseGone: "lease_gone", WorkerLost: "worker_lost", Lagging: "lagging", Overdue: "overdue", WrongKey: "wrong_key", Busy: "busy"}

// String is the code in a word.
func (c Code) String() string { return codes[c] }

// Fail says that a request, or a message, is refused or over. It is an error.
type Fail struct {
	Request RequestID
	Code    Code
	Need    cocoon.Nano // that a voucher has to cover, with NeedCover
	Wait    uint32      // milliseconds after which to ask again; 0 where that is of no use
	Text    string      // for people; nothing of the prompt
}

const maxText = 200

// Error implements error.
func (f *Fail) Error() string {
	if f.Text == "" {
		return f.Code.String()
	}
	return f.Code.String() + ": " + f.Text
}

// Bytes are f as it travels.
func (f *Fail) Bytes() []byte {
	w := newWriter(kindFail, 64+maxText)
	w.fixed(f.Request[:])
	w.u8(uint8(f.Code))
	w.nano(f.Need)
	w.u32(f.Wait)
	w.blob([]byte(f.Text[:min(len(f.Text), maxText)]))
	return w
}

// ParseFail reads what Bytes wrote.
func ParseFail(b []byte) (*Fail, error) {
	f, r := &Fail{}, readerOf(b, kindFail)
	r.into(f.Request[:])
	f.Code, f.Need, f.Wait, f.Text = Code(r.u8()), r.nano(), r.u32(), string(r.blob(maxText))
	if f.Code.String() == "" {
		r.fail("has code %d", f.Code)
	}
	return f, r.end()
}

// Want asks a daemon for more cover, that a request may go on.
type Want struct {
	Request RequestID
	Need    cocoon.Nano // that a voucher has to cover
}

// Bytes are v as it travels.
func (v Want) Bytes() []byte {
	w := newWriter(kindWant, 32)
	w.fixed(v.Request[:])
	w.nano(v.Need)
	return w
}

// ParseWant reads what Bytes wrote.
func ParseWant(b []byte) (v Want, err error) {
	r := readerOf(b, kindWant)
	r.into(v.Request[:])
	v.Need = r.nano()
	return v, r.end()
}

// More is cover for what goes on.
type More struct {
	Request RequestID
	Cover   voucher.Signed
}

// Bytes are m as it travels.
func (m More) Bytes() []byte {
	w := newWriter(kindMore, 16+voucher.Size)
	w.fixed(m.Request[:])
	w.fixed(m.Cover.Bytes())
	return w
}

// ParseMore reads what Bytes wrote. It verifies nothing.
func ParseMore(b []byte) (m More, err error) {
	r := readerOf(b, kindMore)
	r.into(m.Request[:])
	m.Cover = r.voucher()
	return m, r.end()
}

// Final is the end of an attempt: the worker's receipt, which the dispatcher has on disk.
type Final struct {
	Request RequestID
	Receipt []byte // receipt.SignedUsage
}

// Bytes are f as it travels.
func (f Final) Bytes() []byte {
	w := newWriter(kindFinal, 32+len(f.Receipt))
	w.fixed(f.Request[:])
	w.blob(f.Receipt)
	return w
}

// ParseFinal reads what Bytes wrote. It verifies nothing.
func ParseFinal(b []byte) (f Final, err error) {
	r := readerOf(b, kindFinal)
	r.into(f.Request[:])
	f.Receipt = r.blob(1024)
	return f, r.end()
}

// Settle is the daemon's answer to Finals: what it agrees to for each, and a voucher
// that pays all that was agreed so far.
type Settle struct {
	Agreed []Agreed // one at least, MaxAgreed at most
	Paid   voucher.Signed
}

// Agreed is what a request came to by the client's own count.
type Agreed struct {
	Request RequestID
	Usage   cocoon.Usage
	Cost    cocoon.Nano
}

// MaxAgreed is how many requests one Settle is about at most.
const MaxAgreed = 255

// agreedSize is that of each.
const agreedSize = 16 + 4*8 + cocoon.NanoSize

// Bytes are s as it travels.
func (s Settle) Bytes() []byte {
	w := newWriter(kindSettle, voucher.Size+1+len(s.Agreed)*agreedSize)
	w.fixed(s.Paid.Bytes())
	w.u8(uint8(len(s.Agreed)))
	for _, a := range s.Agreed {
		w.fixed(a.Request[:])
		w.usage(a.Usage)
		w.nano(a.Cost)
	}
	return w
}

// ParseSettle reads what Bytes wrote. It verifies nothing.
func ParseSettle(b []byte) (s Settle, err error) {
	r := readerOf(b, kindSettle)
	s.Paid = r.voucher()
	for range r.count(MaxAgreed) {
		var a Agreed
		r.into(a.Request[:])
		a.Usage, a.Cost = r.usage(), r.nano()
		s.Agreed = append(s.Agreed, a)
	}
	if len(s.Agreed) == 0 {
		r.fail("agrees to nothing")
	}
	return s, r.end()
}

// Cancel ends a request. Seq is how many frames have arrived.
type Cancel struct {
	Request RequestID
	Seq     uint32
}

// Bytes are c as it travels.
func (c Cancel) Bytes() []byte { return place(kindCancel, c.Request, c.Seq) }

// ParseCancel reads what Bytes wrote.
func ParseCancel(b []byte) (c Cancel, err error) {
	c.Request, c.Seq, err = placed(b, kindCancel)
	return c, err
}

// Resume asks for the frames from Seq on once more, and all that follow them.
type Resume struct {
	Request RequestID
	Seq     uint32
	Node    string // of the dispatcher, where they go; a daemon names none
}

// Bytes are m as it travels.
func (m Resume) Bytes() []byte {
	w := newWriter(kindResume, 24+len(m.Node))
	w.fixed(m.Request[:])
	w.u32(m.Seq)
	w.blob([]byte(m.Node))
	return w
}

// ParseResume reads what Bytes wrote.
func ParseResume(b []byte) (m Resume, err error) {
	r := readerOf(b, kindResume)
	r.into(m.Request[:])
	m.Seq = r.u32()
	if m.Node = string(r.blob(maxNode)); m.Node != "" {
		r.checkNode(m.Node)
	}
	return m, r.end()
}

// place is a message that names a place among a request's frames.
func place(k kind, id RequestID, seq uint32) []byte {
	w := newWriter(k, 20)
	w.fixed(id[:])
	w.u32(seq)
	return w
}

func placed(b []byte, k kind) (id RequestID, seq uint32, err error) {
	r := readerOf(b, k)
	r.into(id[:])
	seq = r.u32()
	return id, seq, r.end()
}
