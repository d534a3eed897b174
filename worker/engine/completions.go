package engine

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

type completeRequest struct {
	sampling
	Prompt   texts `json:"prompt"`
	Logprobs *int  `json:"logprobs"`
}

// texts is one text or several, each given as such or as token numbers. Numbers
// are read as a text of them, so each is one token.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one textOrNumbers
	if string(raw) == "null" {
		return nil // as if it were not there
	}
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{string(one)}
		return nil
	}
	var several []textOrNumbers
	if err := json.Unmarshal(raw, &several); err != nil {
		return err
	}
	*t = texts{}
	for _, s := range several {
		*t = append(*t, string(s))
	}
	return nil
}

type textOrNumbers string

func (t *textOrNumbers) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, (*string)(t)) == nil {
		return nil
	}
	var numbers []uint32
	if err := json.Unmarshal(raw, &numbers); err != nil || len(numbers) == 0 {
		return errors.New("neither a text nor token numbers")
	}
	var b strings.Builder
	for _, n := range numbers {
		b.WriteString(" " + strconv.FormatUint(uint64(n), 10))
	}
	*t = textOrNumbers(b.String())
	return nil
}

func (e *Engine) complete(r completeRequest) (*task, *failure) {
	if len(r.Prompt) == 0 {
		return nil, invalid("prompt", "prompt must be a text or several")
	}
	if r.Logprobs != nil && (*r.Logprobs < 0 || *r.Logprobs > maxLegacyTop) {
		return nil, invalid("logprobs", "logprobs must be 0 to 5")
	}
	n, limit, f := r.limits()
	if f != nil {
		return nil, f
	}
	if n*len(r.Prompt) > maxSequences {
		return nil, invalid("prompt", "a request has at most 1024 answers")
	}
	t := &task{sampling: r.sampling}
	for _, prompt := range r.Prompt {
		t.prompts = append(t.prompts, pieces(prompt))
		for i := range n {
			t.answers = append(t.answers, e.respond(r.sampling, []string{prompt}, i, limit, 0))
		}
	}
	t.frame = completion{ID: requestID("cmpl", r.sampling, r.Prompt), Object: "text_completion", Model: r.Model}
	t.event = func(index, position int) choice {
		return e.legacy(r, t.answers[index], index, position, min(position+1, len(t.answers[index].pieces)))
	}
	t.whole = func(created int64, u *usage) any {
		out := t.frame
		out.Created = created
		if u != nil {
			out.Usage = u
		}
		for i, a := range t.answers {
			c := e.legacy(r, a, i, 0, len(a.pieces))
			c.Reason = &a.reason
			out.Choices = append(out.Choices, c)
		}
		return out
	}
	return t, nil
}

// maxSequences bounds the answers to one request.
const maxSequences = 1024

// legacy is a choice that carries the tokens from one position to another.
func (e *Engine) legacy(r completeRequest, a answer, index, from, to int) choice {
	part := answer{pieces: a.pieces[from:to]}
	words := part.of(text, 0)
	c := choice{Index: index, Text: &words}
	if r.Logprobs != nil && from < to {
		c.Logprobs = e.legacyLogprobs(a, from, to, *r.Logprobs)
	}
	return c
}
