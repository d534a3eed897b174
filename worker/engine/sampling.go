package engine

import (
	"encoding/json"
	"fmt"
	"strings"
)

const (
	defaultTokens = 128
	maxChoices    = 16
	maxLimit      = 1 << 20 // of max_tokens
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
