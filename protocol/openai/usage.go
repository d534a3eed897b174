package openai

import (
	"strconv"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/jsonscan"
)

// maxTokens bounds each count, so that sums over a batch cannot wrap.
const maxTokens = 1 << 40

// ParseUsage reads the token counts of an answer, as disjoint counts: cached
// tokens are taken out of the prompt, reasoning out of the completion. It looks
// at every token of a stream, so it builds nothing.
func ParseUsage(body []byte) (cocoon.Usage, error) {
	var usage []byte
	var u counts
	valid := jsonscan.Object(body, func(name, value []byte) {
		if string(name) == "usage" {
			usage = value
		}
	})
	if !valid || !u.read(usage) || !u.prompt.there {
		return cocoon.Usage{}, cocoon.Invalid.Errorf("answer has no readable usage")
	}
	prompt, completion, cached, reasoning := u.prompt.n, u.completion.n, u.cached.n, u.reasoning.n
	if prompt > maxTokens || completion > maxTokens || cached > prompt || reasoning > completion {
		return cocoon.Usage{}, cocoon.Invalid.Errorf("usage of an answer does not add up")
	}
	return cocoon.Usage{Prompt: prompt - cached, Cached: cached, Completion: completion - reasoning, Reasoning: reasoning}, nil
}

// counts are those of a usage object. Its totals include the details.
type counts struct{ prompt, completion, cached, reasoning count }

type count struct {
	n     uint64
	there bool
}

// read reports whether raw is a usage object.
func (u *counts) read(raw []byte) bool {
	readable := true
	is := jsonscan.Object(raw, func(name, value []byte) {
		ok := true
		switch string(name) {
		case "prompt_tokens":
			ok = u.prompt.read(value)
		case "completion_tokens":
			ok = u.completion.read(value)
		case "prompt_tokens_details":
			ok = u.cached.readIn(value, "cached_tokens")
		case "completion_tokens_details":
			ok = u.reasoning.readIn(value, "reasoning_tokens")
		}
		readable = readable && ok
	})
	return is && readable
}

// read takes a whole number, or null for none.
func (c *count) read(value []byte) bool {
	if isNull(value) {
		*c = count{}
		return true
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	*c = count{n, true}
	return err == nil
}

// readIn takes a number out of an object, either of which may be null or missing.
func (c *count) readIn(details []byte, field string) bool {
	if isNull(details) {
		*c = count{}
		return true
	}
	ok := true
	is := jsonscan.Object(details, func(name, value []byte) {
		if string(name) == field {
			ok = c.read(value)
		}
	})
	return is && ok
}

func isNull(value []byte) bool { return string(value) == "null" }
