package receipt

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// UsageSize is how many bytes a SignedUsage has on its way.
const UsageSize = 4 + 4 + 32 + 32 + 32 + 16 + 4 + contentSize + ed25519.SignatureSize

const contentSize = 16 + 1 + 1 + 32 + 32 + 4*8 + 5*cocoon.NanoSize

// Scope is what a session may give one content: number by number, a worker's
// boot counts its receipts for each dispatcher.
type Scope struct {
	GlobalID int32 // of the network
	Provider cocoon.Account
	Rewards  cocoon.Account // the dispatcher's rewards contract
	Worker   [32]byte
	Boot     [16]byte
	Number   uint32
}

// Content is what one attempt at a request came to.
type Content struct {
	Request [16]byte
	Attempt uint8
	Reason  uint8    // why it ended
	Route   [32]byte // SHA-256 of the route
	Frames  [32]byte // SHA-256 of all frames
	Usage   cocoon.Usage
	Price   cocoon.Price // nanoTON per 10^6 tokens
	Cost    cocoon.Nano
}

// Usage is a receipt: a worker's word on what a request used. The session key of
// that boot signs it.
type Usage struct {
	Scope
	Content Content
}

// Cell is what is signed.
func (u Usage) Cell() (*cell.Cell, error) {
	content, err := u.Content.cell()
	if err != nil {
		return nil, err
	}
	b := header(tagUsage, u.GlobalID, u.Provider).MustStoreSlice(u.Rewards[:], 256).MustStoreSlice(u.Worker[:], 256).MustStoreSlice(u.Boot[:], 128)
	return b.MustStoreUInt(uint64(u.Number), 32).MustStoreRef(content).EndCell(), nil
}

func (c Content) cell() (*cell.Cell, error) {
	n := c.Usage
	bill := cell.BeginCell().MustStoreUInt(n.Prompt, 64).MustStoreUInt(n.Cached, 64).MustStoreUInt(n.Completion, 64).MustStoreUInt(n.Reasoning, 64)
	sum, err := withAmounts(bill, c.Price.Prompt, c.Price.Cached, c.Price.Completion, c.Price.Reasoning, c.Cost)
	if err != nil {
		return nil, err
	}
	return cell.BeginCell().MustStoreSlice(c.Request[:], 128).MustStoreUInt(uint64(c.Attempt), 8).MustStoreUInt(uint64(c.Reason), 8).
		MustStoreSlice(c.Route[:], 256).MustStoreSlice(c.Frames[:], 256).MustStoreRef(sum).EndCell(), nil
}

// Hash is what a session key signs: that of Cell.
func (u Usage) Hash() ([32]byte, error) { return hash(u) }

// Sign makes a receipt of u with a session key.
func (u Usage) Sign(session ed25519.PrivateKey) (SignedUsage, error) {
	sig, err := sign(u, session)
	return SignedUsage{u, sig}, err
}

// SignedUsage is a receipt with its signature.
type SignedUsage struct {
	Usage
	Signature [64]byte
}

// Verify reports why s was not signed by session, which is Forbidden. Whether the
// worker certified that key for this boot, and whether the bill is right, the
// caller checks.
func (s SignedUsage) Verify(session [32]byte) error {
	ok, err := verify(s.Usage, s.Signature, session)
	if err == nil && !ok {
		err = cocoon.Forbidden.Errorf("receipt %d of worker %x: not signed by session %x", s.Number, s.Worker[:4], session[:4])
	}
	return err
}

// Bytes are s as it travels.
func (s SignedUsage) Bytes() []byte {
	b := append(appendHeader(UsageSize, tagUsage, s.GlobalID, s.Provider), s.Rewards[:]...)
	b = append(append(b, s.Worker[:]...), s.Boot[:]...)
	b = s.Content.appendTo(binary.BigEndian.AppendUint32(b, s.Number))
	return append(b, s.Signature[:]...)
}

func (c Content) appendTo(b []byte) []byte {
	b = append(append(b, c.Request[:]...), c.Attempt, c.Reason)
	b = append(append(b, c.Route[:]...), c.Frames[:]...)
	for _, n := range [...]uint64{c.Usage.Prompt, c.Usage.Cached, c.Usage.Completion, c.Usage.Reasoning} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for _, n := range [...]cocoon.Nano{c.Price.Prompt, c.Price.Cached, c.Price.Completion, c.Price.Reasoning, c.Cost} {
		b = n.AppendBytes(b)
	}
	return b
}

// ParseUsage reads what Bytes wrote; anything else is Invalid. It verifies nothing.
func ParseUsage(b []byte) (s SignedUsage, err error) {
	r, err := readerOf(b, "a receipt", UsageSize, tagUsage)
	if err != nil {
		return s, err
	}
	s.GlobalID = int32(r.uint32())
	r.into(s.Provider[:])
	r.into(s.Rewards[:])
	r.into(s.Worker[:])
	r.into(s.Boot[:])
	s.Number = r.uint32()
	s.Content.read(r)
	r.into(s.Signature[:])
	return s, nil
}

func (c *Content) read(r *reader) {
	r.into(c.Request[:])
	c.Attempt, c.Reason = r.uint8(), r.uint8()
	r.into(c.Route[:])
	r.into(c.Frames[:])
	c.Usage = cocoon.Usage{Prompt: r.uint64(), Cached: r.uint64(), Completion: r.uint64(), Reasoning: r.uint64()}
	for _, n := range []*cocoon.Nano{&c.Price.Prompt, &c.Price.Cached, &c.Price.Completion, &c.Price.Reasoning, &c.Cost} {
		*n = r.nano()
	}
}
