package stream

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// Order asks a worker to answer a request. A body of more than MaxPart bytes
// follows in parts. It is answered with Took or Fail.
type Order struct {
	Attempt uint8
	Route   Route
	Rewards cocoon.Account // whose receipts to number
	Node    string         // of the dispatcher, where frames and receipt go
	Price   cocoon.Price   // of the lease
	KeyID   uint32
	Wrap    []byte
	Slice   uint32 // tokens of the answer, all choices together, that are covered so far
	Size    uint32 // of the whole body, bytes
	Body    []byte // its first part
}

// Bytes are o as it travels.
func (o Order) Bytes() []byte {
	w := newWriter(kindOrder, 512+len(o.Wrap)+len(o.Body))
	w.u8(o.Attempt)
	w.blob(o.Route.Bytes())
	w.fixed(o.Rewards[:])
	w.blob([]byte(o.Node))
	w.price(o.Price)
	w.u32(o.KeyID)
	w.blob(o.Wrap)
	w.u32(o.Slice)
	w.u32(o.Size)
	w.blob(o.Body)
	return w
}

// ParseOrder reads what Bytes wrote; the body shares the message's memory.
func ParseOrder(b []byte) (o Order, err error) {
	r := readerOf(b, kindOrder)
	o.Attempt, o.Route = r.u8(), r.route()
	r.into(o.Rewards[:])
	o.Node = r.node()
	o.Price, o.KeyID, o.Wrap, o.Slice = r.price(), r.u32(), r.blob(envelope.WrapSize), r.u32()
	o.Size, o.Body = r.body()
	if o.Attempt < firstAttempt || !o.Price.Within(o.Route.Caps) {
		r.fail("of attempt %d asks for more than the route allows", o.Attempt)
	}
	return o, r.end()
}

// Slice covers more tokens of an answer: so many in all.
type Slice struct {
	Request RequestID
	Tokens  uint32
}

// Bytes are s as it travels.
func (s Slice) Bytes() []byte { return place(kindSlice, s.Request, s.Tokens) }

// ParseSlice reads what Bytes wrote.
func ParseSlice(b []byte) (s Slice, err error) {
	s.Request, s.Tokens, err = placed(b, kindSlice)
	return s, err
}

// Ack says that the dispatcher has a worker's receipts up to a number on disk,
// and what it owes the provider for them.
type Ack struct {
	Rewards cocoon.Account // whose numbers they are
	Boot    Boot
	Number  uint32
	Earned  []byte // receipt.SignedEarned, the newest; empty where there is none yet
}

// Bytes are a as it travels.
func (a Ack) Bytes() []byte {
	w := newWriter(kindAck, 64+len(a.Earned))
	w.fixed(a.Rewards[:])
	w.fixed(a.Boot[:])
	w.u32(a.Number)
	w.blob(a.Earned)
	return w
}

// ParseAck reads what Bytes wrote. It verifies nothing.
func ParseAck(b []byte) (a Ack, err error) {
	r := readerOf(b, kindAck)
	r.into(a.Rewards[:])
	r.into(a.Boot[:])
	a.Number, a.Earned = r.u32(), r.blob(1024)
	return a, r.end()
}

// KeysOf asks for the Keys of one run of a worker.
type KeysOf struct {
	Worker [32]byte
	Boot   Boot
}

// Bytes are k as it travels.
func (k KeysOf) Bytes() []byte {
	w := newWriter(kindKeysOf, 48)
	w.fixed(k.Worker[:])
	w.fixed(k.Boot[:])
	return w
}

// ParseKeysOf reads what Bytes wrote.
func ParseKeysOf(b []byte) (k KeysOf, err error) {
	r := readerOf(b, kindKeysOf)
	r.into(k.Worker[:])
	r.into(k.Boot[:])
	return k, r.end()
}

// MaxKeys is the most bytes that Keys have.
const MaxKeys = 128 << 10

// Keys are how a run of a worker is trusted: the evidence binds its keys to what
// runs there, the certificate its session key to the worker's key on chain.
type Keys struct {
	Provider    cocoon.Account
	Worker      [32]byte
	Boot        Boot
	Certificate []byte // receipt.SignedCertificate
	Evidence    []byte // attest.Evidence, with the keys to encrypt to
}

// Bytes are k as it travels.
func (k Keys) Bytes() []byte {
	w := newWriter(kindKeys, 128+len(k.Certificate)+len(k.Evidence))
	w.fixed(k.Provider[:])
	w.fixed(k.Worker[:])
	w.fixed(k.Boot[:])
	w.blob(k.Certificate)
	w.blob(k.Evidence)
	return w
}

// ParseKeys reads what Bytes wrote. It verifies nothing.
func ParseKeys(b []byte) (k Keys, err error) {
	r := readerOf(b, kindKeys)
	r.into(k.Provider[:])
	r.into(k.Worker[:])
	r.into(k.Boot[:])
	k.Certificate, k.Evidence = r.blob(1024), r.blob(MaxKeys)
	return k, r.end()
}
