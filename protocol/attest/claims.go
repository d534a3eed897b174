package attest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

const (
	claimsVersion = 1
	claimsHead    = 1 + 4 + 32 + 32 + 32 + 16 + 1 + 4 + 32 + 4 + 4 + 4 + 1
	keySize       = 1 + 4 + 4 + envelope.PublicKeySize

	// MaxKeys is how many encryption keys claims name: two valid ones of each use.
	MaxKeys = 4
	// MaxClaims is the size of the largest claims, in bytes.
	MaxClaims = claimsHead + MaxKeys*keySize

	reportTag = "cocoon-ra-v1"
)

// Use is what an encryption key is for.
type Use uint8

// The uses.
const (
	UseLive  Use = 1 // requests: replaced hourly
	UseBatch Use = 2 // batch jobs, which are accepted long after their key was published
)

// Lifetime is how long a key of that use may be valid; it is replaced at half of it,
// so that two are valid at any time. It is 0 for an unknown use.
func (u Use) Lifetime() time.Duration {
	switch u {
	case UseLive:
		return 2 * time.Hour
	case UseBatch:
		return 48 * time.Hour
	}
	return 0
}

// Key is a public key that prompts are encrypted to. Times are unix seconds: it
// is valid from NotBefore until just before NotAfter.
type Key struct {
	Use                 Use
	NotBefore, NotAfter uint32
	Public              [envelope.PublicKeySize]byte
}

// ID names the key: SHA-256 of its public bytes.
func (k Key) ID() [32]byte { return sha256.Sum256(k.Public[:]) }

// Block is the masterchain block that shows when claims were made.
type Block struct {
	Seqno    uint32
	RootHash [32]byte
	Time     uint32 // unix seconds
}

// Claims is what an environment says of itself; a statement binds all of it.
type Claims struct {
	GlobalID            int32 // of the network
	Vault               cocoon.Account
	Worker              [32]byte // the key on chain, W
	Session             [32]byte // the key made in the environment, B
	Boot                [16]byte
	GPUs                uint8 // found in confidential mode; whoever shows more cannot make it so
	Block               Block
	NotBefore, NotAfter uint32 // unix seconds: valid from the one until just before the other
	Keys                []Key  // at most MaxKeys
}

// Bytes are c as it travels, and as it is bound.
func (c Claims) Bytes() []byte {
	b := append(make([]byte, 0, claimsHead+len(c.Keys)*keySize), claimsVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(c.GlobalID))
	b = append(b, c.Vault[:]...)
	b = append(b, c.Worker[:]...)
	b = append(b, c.Session[:]...)
	b = append(append(b, c.Boot[:]...), c.GPUs)
	b = binary.BigEndian.AppendUint32(b, c.Block.Seqno)
	b = append(b, c.Block.RootHash[:]...)
	for _, n := range [...]uint32{c.Block.Time, c.NotBefore, c.NotAfter} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(b, uint8(len(c.Keys)))
	for _, k := range c.Keys {
		b = binary.BigEndian.AppendUint32(append(b, uint8(k.Use)), k.NotBefore)
		b = append(binary.BigEndian.AppendUint32(b, k.NotAfter), k.Public[:]...)
	}
	return b
}

// ParseClaims reads what Bytes wrote; anything else is ErrMalformed. It verifies nothing.
func ParseClaims(b []byte) (Claims, error) {
	var c Claims
	if len(b) < claimsHead || b[0] != claimsVersion {
		return c, because(ErrMalformed, "%d bytes are no claims of version %d", len(b), claimsVersion)
	}
	n := int(b[claimsHead-1])
	if n > MaxKeys || len(b) != claimsHead+n*keySize {
		return c, because(ErrMalformed, "claims of %d keys have %d bytes", n, len(b))
	}
	r := reader{rest: b[1:]}
	c.GlobalID = int32(r.uint32())
	r.into(c.Vault[:])
	r.into(c.Worker[:])
	r.into(c.Session[:])
	r.into(c.Boot[:])
	c.GPUs = r.uint8()
	c.Block.Seqno = r.uint32()
	r.into(c.Block.RootHash[:])
	c.Block.Time, c.NotBefore, c.NotAfter = r.uint32(), r.uint32(), r.uint32()
	c.Keys = make([]Key, r.uint8())
	for i := range c.Keys {
		k := &c.Keys[i]
		k.Use, k.NotBefore, k.NotAfter = Use(r.uint8()), r.uint32(), r.uint32()
		if k.Use.Lifetime() == 0 {
			return Claims{}, because(ErrMalformed, "a key of unknown use %d", k.Use)
		}
		r.into(k.Public[:])
	}
	return c, r.err
}

// ReportData is what a TEE's statement carries, so that it binds c; the session key signs it too.
func (c Claims) ReportData() [64]byte { return sha512.Sum512(append([]byte(reportTag), c.Bytes()...)) }

// Hash is SHA-256 of Bytes: the nonce of GPU tokens.
func (c Claims) Hash() [32]byte { return sha256.Sum256(c.Bytes()) }
