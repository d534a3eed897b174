package engine

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
)

const (
	maxTop       = 20 // of chat
	maxLegacyTop = 5  // of completions
)

// likely is a token and its log probability, as chat tells it.
type likely struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

type likelyTop struct {
	likely
	Top []likely `json:"top_logprobs"`
}

type chatLogprobs struct {
	Content []likelyTop `json:"content"`
	Refusal any         `json:"refusal"` // always null
}

// legacyLogprobs is what completions tell.
type legacyLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []float64            `json:"token_logprobs"`
	Top      []map[string]float64 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"` // in characters of the answer
}

func newLikely(token string, logprob float64) likely {
	l := likely{token, logprob, []int{}}
	for _, b := range []byte(token) {
		l.Bytes = append(l.Bytes, int(b))
	}
	return l
}

// ranked is a token at its position and n-1 others that are less likely,
// decreasing; their probabilities add up to less than 1.
func (e *Engine) ranked(token string, position, n int) []likely {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %q", e.cfg.Seed, position, token)
	r := rand.New(rand.NewPCG(h.Sum64(), e.cfg.Seed))
	p := 0.5 + 0.49*r.Float64()
	out := []likely{newLikely(token, math.Log(p))}
	left := 1 - p
	for at := r.IntN(len(words)); len(out) < n; at++ {
		other := " " + words[at%len(words)]
		if other == token {
			continue
		}
		left /= 2
		out = append(out, newLikely(other, math.Log(left)))
	}
	return out
}

// chatLogprob is one of a chat's tokens with its top most likely ones.
func (e *Engine) chatLogprob(token string, position, top int) likelyTop {
	all := e.ranked(token, position, max(top, 1))
	return likelyTop{all[0], all[:top]}
}

func (e *Engine) legacyLogprobs(a answer, from, to, top int) *legacyLogprobs {
	l := &legacyLogprobs{Tokens: []string{}, Logprobs: []float64{}, Top: []map[string]float64{}, Offsets: []int{}}
	for i, p := range a.pieces[from:to] {
		all, ranks := e.ranked(p.text, from+i, max(top, 1)), map[string]float64{}
		for _, one := range all {
			ranks[one.Token] = one.Logprob
		}
		l.Tokens, l.Logprobs = append(l.Tokens, p.text), append(l.Logprobs, all[0].Logprob)
		l.Top, l.Offsets = append(l.Top, ranks), append(l.Offsets, p.at)
	}
	return l
}
