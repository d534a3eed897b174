package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// Notice opens every text.
const Notice = "This is Cocoon's built-in test engine, not a language model."

// maxAnswer is the most tokens of an answer, whatever is asked for.
const maxAnswer = 1 << 16

// kind is what a token is a part of.
type kind int

const (
	text kind = iota
	reasoning
	arguments
)

// piece is one token of an answer.
type piece struct {
	kind kind
	call int // of arguments: which call's
	text string
	at   int // characters of the answer before it
}

// answer is one choice: its tokens in order, and why it ends.
type answer struct {
	pieces []piece
	calls  []call
	reason string
}

// of is the text of one kind, of one call where there are several.
func (a answer) of(k kind, call int) string {
	var b strings.Builder
	for _, p := range a.pieces {
		if p.kind == k && p.call == call {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

func (a *answer) add(k kind, call int, texts []string) {
	at := 0
	if n := len(a.pieces); n > 0 {
		at = a.pieces[n-1].at + utf8.RuneCountInString(a.pieces[n-1].text)
	}
	for _, t := range texts {
		a.pieces = append(a.pieces, piece{k, call, t, at})
		at += utf8.RuneCountInString(t)
	}
}

// limit cuts an answer after so many tokens, and drops calls not begun.
func (a *answer) limit(tokens int) {
	if len(a.pieces) <= tokens {
		return
	}
	a.pieces, a.reason = a.pieces[:tokens], "length"
	begun := 0
	for _, p := range a.pieces {
		if p.kind == arguments {
			begun = p.call + 1
		}
	}
	a.calls = a.calls[:begun]
}

// random depends on the engine's seed, the request's, its prompt and the choice.
func (e *Engine) random(s sampling, prompt []string, choice int) *rand.Rand {
	var seed int64
	if s.Seed != nil {
		seed = *s.Seed
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %q", e.cfg.Seed, seed, choice, prompt))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(digest[:]), binary.BigEndian.Uint64(digest[8:])))
}

// words are what filler is made of, each one token.
var words = strings.Fields(`amber anchor autumn basket beacon border branch bridge button canyon carbon castle cedar
	circle cobalt copper coral cotton crystal delta ember engine fabric falcon feather forest garden garnet glacier
	harbor hazel island ivory jasmine juniper kernel ladder lantern lemon linen magnet maple marble meadow mirror
	needle ocean olive orchid paper pebble pepper planet quartz raven ribbon river saddle saffron shadow silver`)

func filler(r *rand.Rand, n int) []string {
	out := make([]string, max(n, 0))
	for i := range out {
		out[i] = " " + words[r.IntN(len(words))]
	}
	return out
}

// respond is the answer in words. What it says of the prompt is a size and a
// digest, so that two prompts have two answers. Stops are looked for in what is
// not reasoning.
func (e *Engine) respond(s sampling, prompt []string, choice, limit int, share float64) answer {
	digest := sha256.Sum256([]byte(strings.Join(prompt, "\x00")))
	said := fmt.Sprintf("%s It read %d tokens and shows that they arrived: their digest is %x. This is answer %d.",
		Notice, countTokens(prompt...), digest[:4], choice+1)
	if s.Seed != nil {
		said += fmt.Sprintf(" Its seed is %d.", *s.Seed)
	}
	all, r := pieces(said), e.random(s, prompt, choice)
	if e.cfg.Answer > 0 {
		all = lengthen(all, r, e.cfg.Answer)[:e.cfg.Answer]
	}
	thought := int(math.Round(share / (1 - share) * float64(len(all))))
	all = lengthen(all, r, min(s.MinTokens, maxAnswer)-thought)
	if s.IgnoreEOS {
		end := min(limit, maxAnswer)
		thought = int(math.Round(share * float64(end)))
		all = lengthen(all, r, end-thought)
		all = all[:end-thought]
	}
	a := answer{reason: "stop"}
	if s.IgnoreEOS {
		a.reason = "length"
	}
	a.add(reasoning, 0, filler(r, min(thought, limit)))
	if cut, found := s.Stop.cut(strings.Join(all, "")); found {
		all, a.reason = pieces(cut), "stop"
	}
	a.add(text, 0, all)
	a.limit(limit)
	return a
}

func lengthen(all []string, r *rand.Rand, n int) []string {
	return append(all, filler(r, n-len(all))...)
}

// requestID depends on what was asked, as everything in an answer does.
func requestID(prefix string, s sampling, prompt []string) string {
	seed := ""
	if s.Seed != nil {
		seed = fmt.Sprintf("\x00%d", *s.Seed)
	}
	digest := sha256.Sum256([]byte(s.Model + "\x00" + strings.Join(prompt, "\x00") + seed))
	return fmt.Sprintf("%s-%x", prefix, digest[:12])
}
