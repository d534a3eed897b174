package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// Notice opens every text.
const Notice = "This is Cocoon's built-in test engine, not a language model."

const (
	defaultTokens = 128
	maxChoices    = 16
	maxLimit      = 1 << 20 // of max_tokens
	maxAnswer     = 1 << 16 // tokens, whatever is asked for
	maxStops      = 4
)

// sampling is what chat and completions have in common.
type sampling struct {
	Model      string  `json:"model"`
	N          *int    `json:"n"`
	MaxTokens  *int    `json:"max_tokens"`
	MaxNew     *int    `json:"max_completion_tokens"`
	MinTokens  int     `json:"min_tokens"` // vLLM's
	IgnoreEOS  bool    `json:"ignore_eos"` // vLLM's
	Stop       stops   `json:"stop"`
	Seed       *int64  `json:"seed"`
	Stream     bool    `json:"stream"`
	StreamOpts *extras `json:"stream_options"`
}

// extras are what a stream carries beside its tokens.
type extras struct {
	Usage      bool `json:"include_usage"`
	Continuous bool `json:"continuous_usage_stats"` // vLLM's: in every event
}

func (s sampling) model() string { return s.Model }

// stops are the texts that end an answer.
type stops []string

func (s *stops) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*s = nil
		if one != "" {
			*s = stops{one}
		}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

// cut is text up to the first of the stops.
func (s stops) cut(text string) (string, bool) {
	at := len(text)
	for _, stop := range s {
		if i := strings.Index(text, stop); i >= 0 {
			at = min(at, i)
		}
	}
	return text[:at], at < len(text)
}

// limits are the number of choices and the most tokens of each.
func (s sampling) limits() (choices, tokens int, f *failure) {
	choices, tokens = 1, defaultTokens
	if s.N != nil {
		choices = *s.N
	}
	if s.MaxTokens != nil {
		tokens = *s.MaxTokens
	}
	if s.MaxNew != nil {
		tokens = *s.MaxNew
	}
	if choices < 1 || choices > maxChoices {
		return 0, 0, invalid("n", fmt.Sprintf("n must be 1 to %d", maxChoices))
	}
	if tokens < 1 || tokens > maxLimit {
		return 0, 0, invalid("max_tokens", fmt.Sprintf("max_tokens must be at least 1 and at most %d", maxLimit))
	}
	if s.MinTokens < 0 || s.MinTokens > tokens {
		return 0, 0, invalid("min_tokens", "min_tokens must be 0 to max_tokens")
	}
	if len(s.Stop) > maxStops {
		return 0, 0, invalid("stop", fmt.Sprintf("stop must be a text or up to %d", maxStops))
	}
	for _, stop := range s.Stop {
		if stop == "" {
			return 0, 0, invalid("stop", "stop must not be empty")
		}
	}
	if s.StreamOpts != nil && !s.Stream {
		return 0, 0, invalid("stream_options", "stream_options needs stream")
	}
	return choices, tokens, nil
}

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

func (a answer) count(k kind) int {
	n := 0
	for _, p := range a.pieces {
		if p.kind == k {
			n++
		}
	}
	return n
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

// usage counts as OpenAI does: totals with their details inside.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	PromptOf   struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionOf struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// add counts a token.
func (u *usage) add(p piece) {
	u.Completion++
	u.Total++
	if p.kind == reasoning {
		u.CompletionOf.Reasoning++
	}
}

func usageOf(prompt, cached int, answers []answer) usage {
	u := usage{Prompt: prompt, Total: prompt}
	u.PromptOf.Cached = cached
	for _, a := range answers {
		for _, p := range a.pieces {
			u.add(p)
		}
	}
	return u
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
