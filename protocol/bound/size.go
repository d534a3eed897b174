package bound

import (
	"math/bits"

	"github.com/cocoon-network/cocoon"
)

// Size is what bounds the tokens of a request before anybody counts them.
type Size struct {
	Prompt   uint64 `json:"prompt"`   // bytes of the plaintext, or of the ciphertext where that is all one sees
	Overhead uint64 `json:"overhead"` // tokens that the model's template adds at most
	Choices  uint64 `json:"choices"`  // answers wanted, at least 1
	MaxOut   uint64 `json:"max_out"`  // completion tokens of a choice, reasoning included
}

// Validate reports a size that bounds nothing, which is Invalid.
func (s Size) Validate() error {
	over, _ := bits.Mul64(s.Choices, s.MaxOut)
	if s.Choices == 0 || s.MaxOut == 0 || over != 0 || s.Prompt+s.Overhead < s.Prompt {
		return cocoon.Invalid.Errorf("a request of %d choices of %d tokens over %d bytes bounds nothing", s.Choices, s.MaxOut, s.Prompt)
	}
	return nil
}

// Reserve is r of (1) where each choice may go up to out tokens, at most
// MaxOut: the dearest that so much can be at price.
func (s Size) Reserve(price cocoon.Price, out uint64) (cocoon.Nano, error) {
	if err := s.Validate(); err != nil {
		return cocoon.Nano{}, err
	}
	dearest := cocoon.Price{Prompt: price.Prompt.Max(price.Cached), Completion: price.Completion.Max(price.Reasoning)}
	return dearest.Cost(cocoon.Usage{Prompt: s.Prompt + s.Overhead, Completion: s.Choices * min(out, s.MaxOut)})
}

// Check reports usage that is out of bounds, and so void for everyone, which is
// Invalid: no token is shorter than a byte. out is how many bytes the answer had.
func (s Size) Check(u cocoon.Usage, out uint64) error {
	prompt, carry := bits.Add64(u.Prompt, u.Cached, 0)
	if carry != 0 || prompt > s.Prompt+s.Overhead {
		return cocoon.Invalid.Errorf("%d and %d cached prompt tokens in %d bytes with %d of overhead", u.Prompt, u.Cached, s.Prompt, s.Overhead)
	}
	answer, carry := bits.Add64(u.Completion, u.Reasoning, 0)
	if carry != 0 || answer > min(s.Choices*s.MaxOut, out) {
		return cocoon.Invalid.Errorf("%d and %d reasoning tokens in %d bytes, %d choices of at most %d", u.Completion, u.Reasoning, out, s.Choices, s.MaxOut)
	}
	return nil
}
