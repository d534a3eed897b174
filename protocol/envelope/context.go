package envelope

import (
	"fmt"

	"github.com/cloudflare/circl/hpke"

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
	sealer hpke.Sealer // nil once it was used
}

// Prepare makes a context, of the system's randomness.
func (p PublicKey) Prepare() (*Context, error) {
	enc, sealer, err := p.sealer(requestInfo)
	if err != nil {
		return nil, err
	}
	return &Context{enc, sealer}, nil
}

// Wrap encrypts a body key, bound to aad, and gives the secret that both sides
// derive for the answer. A context wraps once; after that it is an error.
func (c *Context) Wrap(key Key, aad []byte) (wrap []byte, secret [32]byte, err error) {
	if c.sealer == nil {
		return nil, secret, cocoon.Internal.Errorf("a context wraps one key only")
	}
	sealer := c.sealer
	c.sealer = nil
	ct, err := sealer.Seal(key[:], aad)
	if err != nil {
		return nil, secret, fmt.Errorf("encrypt a body key: %w", err)
	}
	return append(c.enc, ct...), [32]byte(sealer.Export([]byte(answerContext), uint(len(secret)))), nil
}

// Unwrap is the body key and the answer's secret of what Wrap made for the holder of k.
func (k PrivateKey) Unwrap(wrap, aad []byte) (key Key, secret [32]byte, err error) {
	o, err := k.opener(wrap, requestInfo)
	if err != nil {
		return key, secret, err
	}
	text, err := o.Open(wrap[encSize:], aad)
	if err != nil || len(text) != len(key) {
		return key, secret, cocoon.Invalid.Errorf("wrapped key does not open: it is for another key, route or body, or was changed")
	}
	return Key(text), [32]byte(o.Export([]byte(answerContext), uint(len(secret)))), nil
}
