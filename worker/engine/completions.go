package engine

import (
	"encoding/json"
	"net/http"
)

type completeRequest struct {
	sampling
	Prompt texts `json:"prompt"`
}

// texts is one text or several.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

func (e *Engine) complete(w http.ResponseWriter, r completeRequest) *failure {
	if len(r.Prompt) == 0 {
		return invalid("prompt must be a text or several")
	}
	n, limit, f := r.limits()
	if f != nil {
		return f
	}
	out := completion{ID: requestID("cmpl", r.Model, r.Prompt), Object: "text_completion", Model: r.Model}
	var answers []answer
	for _, prompt := range r.Prompt {
		for i := range n {
			a := respond([]string{prompt}, i, limit)
			text := a.text()
			out.Choices = append(out.Choices, choice{Index: len(answers), Text: &text, Reason: &a.reason})
			answers = append(answers, a)
		}
	}
	u := usageOf(countTokens(r.Prompt...), answers)
	out.Usage = &u
	if r.Stream {
		stream(w, r.sampling, out, answers, out.Object, func(index, _ int, piece string) choice {
			return choice{Index: index, Text: &piece}
		})
		return nil
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
