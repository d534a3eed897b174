package stream

import (
	"crypto/ed25519"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

const helloContext = "cocoon hello v1"

// Hello begins a daemon's session on a channel, and ends every older one.
type Hello struct {
	GlobalID  int32          // of the network
	Rewards   cocoon.Account // the dispatcher's rewards contract
	Channel   cocoon.Account
	Session   uint64   // larger than every one before it on this channel
	Signature [64]byte // of the channel's client key
}

const helloSize = 4 + 32 + 32 + 8 + ed25519.SignatureSize

func (h Hello) signed() []byte {
	w := append(writer{}, helloContext...)
	w.u32(uint32(h.GlobalID))
	w.fixed(h.Rewards[:])
	w.fixed(h.Channel[:])
	w.u64(h.Session)
	return w
}

// Sign signs h with the channel's client key.
func (h Hello) Sign(key ed25519.PrivateKey) Hello {
	h.Signature = [64]byte(ed25519.Sign(key, h.signed()))
	return h
}

// Verify reports why h was not signed by key, which is Forbidden.
func (h Hello) Verify(key [32]byte) error {
	if key == [32]byte{} || key == [32]byte{1} || !ed25519.Verify(key[:], h.signed(), h.Signature[:]) {
		return cocoon.Forbidden.Errorf("session on channel %s: not signed by its key", h.Channel)
	}
	return nil
}

// Bytes are h as it travels.
func (h Hello) Bytes() []byte {
	w := newWriter(kindHello, helloSize)
	w.u32(uint32(h.GlobalID))
	w.fixed(h.Rewards[:])
	w.fixed(h.Channel[:])
	w.u64(h.Session)
	w.fixed(h.Signature[:])
	return w
}

// ParseHello reads what Bytes wrote. It verifies nothing.
func ParseHello(b []byte) (h Hello, err error) {
	r := readerOf(b, kindHello)
	h.GlobalID = int32(r.u32())
	r.into(h.Rewards[:])
	r.into(h.Channel[:])
	h.Session = r.u64()
	r.into(h.Signature[:])
	return h, r.end()
}

// State is what a dispatcher knows of a channel: all amounts in nanoTON, since
// the channel's birth.
type State struct {
	Cover    cocoon.Nano // of the newest voucher
	Paid     cocoon.Nano // of the newest voucher that pays for what was agreed
	Used     cocoon.Nano // agreed
	Open     cocoon.Nano // reserved for what runs
	Deposit  cocoon.Nano // that the contract can pay, as the dispatcher sees it
	Session  uint64
	Node     string   // of the dispatcher that has the channel: where the other messages go
	Receipts [][]byte // signed usage that the client has not answered yet
}

// MaxReceipts are as many as a State holds. Another hello of the same session tells
// of more, once these are answered.
const MaxReceipts = 255

const maxNode = 32

// Bytes are s as it travels.
func (s State) Bytes() []byte {
	w := newWriter(kindState, 256)
	for _, n := range [...]cocoon.Nano{s.Cover, s.Paid, s.Used, s.Open, s.Deposit} {
		w.nano(n)
	}
	w.u64(s.Session)
	w.blob([]byte(s.Node))
	list := s.Receipts[:min(len(s.Receipts), MaxReceipts)]
	w.u8(uint8(len(list)))
	for _, receipt := range list {
		w.blob(receipt)
	}
	return w
}

// ParseState reads what Bytes wrote.
func ParseState(b []byte) (s State, err error) {
	r := readerOf(b, kindState)
	for _, n := range []*cocoon.Nano{&s.Cover, &s.Paid, &s.Used, &s.Open, &s.Deposit} {
		*n = r.nano()
	}
	s.Session, s.Node = r.u64(), string(r.blob(maxNode))
	for range r.count(MaxReceipts) {
		s.Receipts = append(s.Receipts, r.blob(MaxPart))
	}
	return s, r.end()
}

// Lease asks for workers to encrypt prompts to. It reserves nothing.
type Lease struct {
	Channel  cocoon.Account
	Session  uint64
	Model    cocoon.ModelID
	Caps     cocoon.Price
	Affinity [32]byte // requests of one conversation have one, that tells nothing else; zero for none
	Tier     uint8    // of attestation: candidates' evidence is of this kind
	Sets     uint8    // how many
	Width    uint8    // candidates in each
}

// Bytes are l as it travels.
func (l Lease) Bytes() []byte {
	w := newWriter(kindLease, 256)
	w.fixed(l.Channel[:])
	w.u64(l.Session)
	w.fixed(l.Model[:])
	w.price(l.Caps)
	w.fixed(l.Affinity[:])
	w.u8(l.Tier)
	w.u8(l.Sets)
	w.u8(l.Width)
	return w
}

// ParseLease reads what Bytes wrote.
func ParseLease(b []byte) (l Lease, err error) {
	r := readerOf(b, kindLease)
	r.into(l.Channel[:])
	l.Session = r.u64()
	r.into(l.Model[:])
	l.Caps = r.price()
	r.into(l.Affinity[:])
	l.Tier, l.Sets, l.Width = r.u8(), r.u8(), r.u8()
	if l.Width == 0 || l.Width > MaxCandidates || l.Sets == 0 {
		r.fail("asks for %d sets of %d", l.Sets, l.Width)
	}
	return l, r.end()
}

// Candidate is a worker of a lease.
type Candidate struct {
	Provider cocoon.Account
	Worker   [32]byte
	Boot     Boot
	KeyID    uint32 // of the key to encrypt to, among the worker's Keys
	Price    cocoon.Price
}

// Leases are sets of candidates, each for one request, until they expire.
type Leases struct {
	Expires uint32 // unix seconds
	Sets    []LeaseSet
}

// LeaseSet is for one request.
type LeaseSet struct {
	ID         uint64
	Candidates []Candidate
}

// Bytes are l as it travels.
func (l Leases) Bytes() []byte {
	w := newWriter(kindLeases, 4096)
	w.u32(l.Expires)
	w.u8(uint8(len(l.Sets)))
	for _, s := range l.Sets {
		w.u64(s.ID)
		w.u8(uint8(len(s.Candidates)))
		for _, c := range s.Candidates {
			w.fixed(c.Provider[:])
			w.fixed(c.Worker[:])
			w.fixed(c.Boot[:])
			w.u32(c.KeyID)
			w.price(c.Price)
		}
	}
	return w
}

// ParseLeases reads what Bytes wrote.
func ParseLeases(b []byte) (l Leases, err error) {
	r := readerOf(b, kindLeases)
	l.Expires = r.u32()
	for range r.count(255) {
		s := LeaseSet{ID: r.u64()}
		for range r.count(MaxCandidates) {
			var c Candidate
			r.into(c.Provider[:])
			r.into(c.Worker[:])
			r.into(c.Boot[:])
			c.KeyID, c.Price = r.u32(), r.price()
			s.Candidates = append(s.Candidates, c)
		}
		l.Sets = append(l.Sets, s)
	}
	return l, r.end()
}

// Pay is what of a request the dispatcher alone sees.
type Pay struct {
	Channel cocoon.Account
	Session uint64
	Lease   uint64         // id of the set of candidates
	Cover   voucher.Signed // covers this request and all others that are open
}

func (p Pay) appendTo(w *writer) {
	w.fixed(p.Channel[:])
	w.u64(p.Session)
	w.u64(p.Lease)
	w.fixed(p.Cover.Bytes())
}

func (r *reader) pay() (p Pay) {
	r.into(p.Channel[:])
	p.Session, p.Lease, p.Cover = r.u64(), r.u64(), r.voucher()
	return p
}

func (r *reader) voucher() voucher.Signed {
	raw := r.take(voucher.Size)
	if r.err != nil {
		return voucher.Signed{}
	}
	v, err := voucher.Parse(raw)
	if err != nil {
		r.err = err
	}
	return v
}
