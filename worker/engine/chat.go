package engine

import (
	"encoding/json"
	"net/http"
)

type chatRequest struct {
	sampling
	Messages []struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	} `json:"messages"`
}

// content is a text, or the texts among a message's parts.
type content []string

func (c *content) UnmarshalJSON(raw []byte) error {
	var text *string
	if json.Unmarshal(raw, &text) == nil {
		if text != nil {
			*c = content{*text}
		}
		return nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		*c = append(*c, p.Text)
	}
	return nil
}

// completion is the answer of chat and completions, and each event of a stream.
// Created stays 0: an answer depends on the request only.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index   int      `json:"index"`
	Message *message `json:"message,omitempty"` // chat
	Delta   *message `json:"delta,omitempty"`   // chat, streamed
	Text    *string  `json:"text,omitempty"`    // completions
	Reason  *string  `json:"finish_reason"`
}

type message struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content"`
}

func (e *Engine) chat(w http.ResponseWriter, r chatRequest) *failure {
	if len(r.Messages) == 0 {
		return invalid("messages must not be empty")
	}
	var prompt []string
	for _, m := range r.Messages {
		prompt = append(prompt, m.Content...)
	}
	n, limit, f := r.limits()
	if f != nil {
		return f
	}
	out := completion{ID: requestID("chatcmpl", r.Model, prompt), Object: "chat.completion", Model: r.Model}
	var answers []answer
	for i := range n {
		a := respond(prompt, i, limit)
		answers = append(answers, a)
		out.Choices = append(out.Choices, choice{Index: i, Message: &message{"assistant", a.text()}, Reason: &a.reason})
	}
	u := usageOf(countTokens(prompt...), answers)
	out.Usage = &u
	if r.Stream {
		stream(w, r.sampling, out, answers, "chat.completion.chunk", deltaOf)
		return nil
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// deltaOf is a piece of a chat's choice; the first one names the role.
func deltaOf(index, position int, piece string) choice {
	d := &message{Content: piece}
	if position == 0 {
		d.Role = "assistant"
	}
	return choice{Index: index, Delta: d}
}
