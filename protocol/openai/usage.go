package openai

import (
	"encoding/json"

	"github.com/cocoon-network/cocoon"
)

// maxTokens bounds each count, so that sums over a batch cannot wrap.
const maxTokens = 1 << 40

// usage is the object of that name in an answer. Its totals include the details.
type usage struct {
	Prompt        *uint64 `json:"prompt_tokens"`
	Completion    uint64  `json:"completion_tokens"`
	PromptDetails *struct {
		Cached uint64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails *struct {
		Reasoning uint64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// ParseUsage reads the token counts of an answer, as disjoint counts: cached
// tokens are taken out of the prompt, reasoning out of the completion.
func ParseUsage(body []byte) (cocoon.Usage, error) {
	var answer struct {
		Usage usage `json:"usage"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Usage.Prompt == nil {
		return cocoon.Usage{}, cocoon.Invalid.Errorf("answer has no readable usage")
	}
	u := answer.Usage
	var cached, reasoning uint64
	if u.PromptDetails != nil {
		cached = u.PromptDetails.Cached
	}
	if u.CompletionDetails != nil {
		reasoning = u.CompletionDetails.Reasoning
	}
	if *u.Prompt > maxTokens || u.Completion > maxTokens || cached > *u.Prompt || reasoning > u.Completion {
		return cocoon.Usage{}, cocoon.Invalid.Errorf("usage of an answer does not add up")
	}
	return cocoon.Usage{Prompt: *u.Prompt - cached, Cached: cached, Completion: u.Completion - reasoning, Reasoning: reasoning}, nil
}
