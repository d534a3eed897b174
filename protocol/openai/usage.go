package openai

import (
	"bytes"
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
	usage, _ := findUsage(body, 0)
	return readUsage(usage)
}

// Usages reads the token counts of the items of one stream. They mostly begin alike:
// what was scanned once is not scanned again.
type Usages struct {
	head []byte // what one began with, up to its choices
}

// Next is ParseUsage of the next item.
func (u *Usages) Next(item []byte) (cocoon.Usage, error) {
	from := len(u.head)
	if !bytes.HasPrefix(item, u.head) {
		from = 0
	}
	usage, choices := findUsage(item, from)
	if usage != nil && from == 0 {
		u.head = append(u.head[:0], item[:choices]...)
	}
	return readUsage(usage)
}

// findUsage is the usage of an answer whose fields before from are known, and where
// its choices begin; 0 where they do after it. It is nil where there is none, or
// body is not an answer.
func findUsage(body []byte, from int) (usage []byte, choices int) {
	is := jsonscan.SpansFrom(body, from, func(f jsonscan.Field) {
		switch string(f.Name) {
		case "usage":
			usage = f.Value
		case "choices":
			if usage == nil && choices == 0 {
				choices = f.From
			}
		}
	})
	if !is {
		return nil, 0
	}
	return usage, choices
}

var (
	errNoUsage = cocoon.Invalid.Errorf("answer has no readable usage")
	errSum     = cocoon.Invalid.Errorf("usage of an answer does not add up")
)

func readUsage(raw []byte) (cocoon.Usage, error) {
	var u counts
	if !u.read(raw) || !u.prompt.there {
		return cocoon.Usage{}, errNoUsage
	}
	prompt, completion, cached, reasoning := u.prompt.n, u.completion.n, u.cached.n, u.reasoning.n
	if prompt > maxTokens || completion > maxTokens || cached > prompt || reasoning > completion {
		return cocoon.Usage{}, errSum
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
