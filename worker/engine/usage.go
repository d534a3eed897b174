package engine

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
