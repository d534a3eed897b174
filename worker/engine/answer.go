package engine

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Notice opens every answer.
const Notice = "This is Cocoon's built-in test engine, not a language model."

const (
	defaultTokens = 128
	maxChoices    = 16
)

// sampling is what chat and completions have in common.
type sampling struct {
	Model      string `json:"model"`
	N          *int   `json:"n"`
	MaxTokens  *int   `json:"max_tokens"`
	MaxNew     *int   `json:"max_completion_tokens"`
	Stream     bool   `json:"stream"`
	StreamOpts struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

func (s sampling) model() string { return s.Model }

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
		return 0, 0, invalid(fmt.Sprintf("n must be 1 to %d", maxChoices))
	}
	if tokens < 1 {
		return 0, 0, invalid("max_tokens must be at least 1")
	}
	return choices, tokens, nil
}

// answer is one choice: its text in tokens, and why it ends.
type answer struct {
	pieces []string
	reason string
}

func (a answer) text() string { return strings.Join(a.pieces, "") }

// respond is the answer to prompt. What it says of the prompt is a size and a
// digest, so that two prompts have two answers.
func respond(prompt []string, choice, limit int) answer {
	digest := sha256.Sum256([]byte(strings.Join(prompt, "\x00")))
	text := fmt.Sprintf("%s It read %d tokens and shows that they arrived: their digest is %x. This is answer %d.",
		Notice, countTokens(prompt...), digest[:4], choice+1)
	all := pieces(text)
	if len(all) > limit {
		return answer{all[:limit], "length"}
	}
	return answer{all, "stop"}
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

func usageOf(prompt int, answers []answer) usage {
	u := usage{Prompt: prompt, Total: prompt}
	for _, a := range answers {
		u.Completion += len(a.pieces)
	}
	u.Total += u.Completion
	return u
}

// requestID depends on what was asked, as everything in an answer does.
func requestID(prefix, model string, prompt []string) string {
	digest := sha256.Sum256([]byte(model + "\x00" + strings.Join(prompt, "\x00")))
	return fmt.Sprintf("%s-%x", prefix, digest[:12])
}
