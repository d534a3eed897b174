package envelope

import (
	"crypto/hpke"
	"fmt"

	"github.com/cocoon-network/cocoon"
)

const (
	requestInfo   = "cocoon request v1"
	answerContext = "cocoon answer v1"
)

// Context is an encapsulation to one public key, for one body key. It is the
// dear part of encrypting to somebody, and can be prepared before there is
// anything to encrypt.
type Context struct {
	enc    []byte
	sender *hpke.Sender
}

// Prepare makes a context. crypto/hpke takes its randomness from the system.
func (p PublicKey) Prepare() (*Context, error) {
	enc, sender, err := hpke.NewSender(p.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(requestInfo))
	if err != nil {
		return nil, cocoon.Invalid.Errorf("encrypt to a public key: %w", err)
	}
	return &Context{enc, sender}, nil
}

// Wrap encrypts a body key, bound to aad, and gives the secret that both sides
// derive for the answer. A context wraps once; after that it is an error.
func (c *Context) Wrap(key Key, aad []byte) (wrap []byte, secret [32]byte, err error) {
	if c.sender == nil {
		return nil, secret, cocoon.Internal.Errorf("a context wraps one key only")
	}
	sender := c.sender
	c.sender = nil
	ct, err := sender.Seal(aad, key[:])
	if err != nil {
		return nil, secret, fmt.Errorf("encrypt a body key: %w", err)
	}
	out, err := sender.Export(answerContext, len(secret))
	if err != nil {
		return nil, secret, fmt.Errorf("derive the answer's secret: %w", err)
	}
	return append(c.enc, ct...), [32]byte(out), nil
}

// Unwrap is the body key and the answer's secret of what Wrap made for the holder of k.
func (k PrivateKey) Unwrap(wrap, aad []byte) (key Key, secret [32]byte, err error) {
	r, err := k.recipient(wrap, requestInfo)
	if err != nil {
		return key, secret, err
	}
	text, err := r.Open(aad, wrap[encSize:])
	if err != nil || len(text) != len(key) {
		return key, secret, cocoon.Invalid.Errorf("wrapped key does not open: it is for another key, route or body, or was changed")
	}
	out, err := r.Export(answerContext, len(secret))
	if err != nil {
		return key, secret, fmt.Errorf("derive the answer's secret: %w", err)
	}
	return Key(text), [32]byte(out), nil
}
