package stream

import (
	"crypto/ed25519"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Close asks a dispatcher to end its service under a channel on which nothing is
// open, and to sign what its client may close it with at once.
type Close struct {
	Channel cocoon.Account
	Session uint64
	Paid    voucher.Signed // over all that was agreed
}

// Bytes are c as it travels.
func (c Close) Bytes() []byte {
	w := newWriter(kindClose, 32+8+voucher.Size)
	w.fixed(c.Channel[:])
	w.u64(c.Session)
	w.fixed(c.Paid.Bytes())
	return w
}

// ParseClose reads what Bytes wrote.
func ParseClose(b []byte) (c Close, err error) {
	r := readerOf(b, kindClose)
	r.into(c.Channel[:])
	c.Session, c.Paid = r.u64(), r.voucher()
	return c, r.end()
}

// Promise is a dispatcher's word that a channel may be closed over Final, which is
// all that it is paid since the channel's birth. Asked again it says the same.
type Promise struct {
	Final     cocoon.Nano
	Signature [ed25519.SignatureSize]byte // of the channel's dispatcher key, as close_now wants it; not verified here
}

// Bytes are p as it travels.
func (p Promise) Bytes() []byte {
	w := newWriter(kindPromise, 15+len(p.Signature))
	w.nano(p.Final)
	w.fixed(p.Signature[:])
	return w
}

// ParsePromise reads what Bytes wrote.
func ParsePromise(b []byte) (p Promise, err error) {
	r := readerOf(b, kindPromise)
	p.Final = r.nano()
	r.into(p.Signature[:])
	return p, r.end()
}
