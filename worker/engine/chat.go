package engine

import (
	"encoding/json"
)

type chatRequest struct {
	sampling
	Messages []struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	} `json:"messages"`
	Tools       []tool     `json:"tools"`
	ToolChoice  toolChoice `json:"tool_choice"`
	Parallel    *bool      `json:"parallel_tool_calls"`
	Format      format     `json:"response_format"`
	Logprobs    bool       `json:"logprobs"`
	TopLogprobs *int       `json:"top_logprobs"`
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

func (e *Engine) chat(r chatRequest) (*task, *failure) {
	if len(r.Messages) == 0 {
		return nil, invalid("messages", "messages must not be empty")
	}
	if r.TopLogprobs != nil && (!r.Logprobs || *r.TopLogprobs < 0 || *r.TopLogprobs > maxTop) {
		return nil, invalid("top_logprobs", "top_logprobs must be 0 to 20, with logprobs")
	}
	var prompt, tokens []string
	for _, m := range r.Messages {
		prompt = append(prompt, m.Content...)
		for _, text := range m.Content {
			tokens = append(tokens, pieces(text)...)
		}
	}
	n, limit, f := r.limits()
	if f != nil {
		return nil, f
	}
	t := &task{sampling: r.sampling, prompts: [][]string{tokens}}
	for i := range n {
		a, f := e.say(r, prompt, i, limit)
		if f != nil {
			return nil, f
		}
		t.answers = append(t.answers, a)
	}
	t.frame = completion{ID: requestID("chatcmpl", r.sampling, prompt), Object: "chat.completion.chunk", Model: r.Model}
	t.event = func(index, position int) choice { return e.delta(r, t.answers[index], index, position) }
	t.whole = func(created int64, u *usage) any {
		out := t.frame
		out.Object, out.Created = "chat.completion", created
		if u != nil {
			out.Usage = u
		}
		for i, a := range t.answers {
			out.Choices = append(out.Choices, e.message(r, a, i))
		}
		return out
	}
	return t, nil
}

// say is one choice of a chat: calls of tools, a document, or words.
func (e *Engine) say(r chatRequest, prompt []string, choice, limit int) (answer, *failure) {
	tools, f := r.called()
	if f != nil {
		return answer{}, f
	}
	if len(tools) > 0 {
		return e.call(r, prompt, tools, choice, limit)
	}
	switch r.Format.Type {
	case "", "text":
		return e.respond(r.sampling, prompt, choice, limit, e.cfg.Reasoning), nil
	case "json_object", "json_schema":
		return e.write(r, prompt, choice, limit)
	}
	return answer{}, invalid("response_format", "response_format must be text, json_object or json_schema")
}

func (e *Engine) message(r chatRequest, a answer, index int) choice {
	m := &message{Role: "assistant", Reasoning: a.of(reasoning, 0)}
	for i, c := range a.calls {
		m.ToolCalls = append(m.ToolCalls, toolCall{ID: c.id, Type: "function"})
		m.ToolCalls[i].Function.Name, m.ToolCalls[i].Function.Arguments = c.name, a.of(arguments, i)
	}
	if len(a.calls) == 0 {
		words := a.of(text, 0)
		m.Content = &words
	}
	c := choice{Index: index, Message: m, Reason: &a.reason}
	if r.Logprobs {
		c.Logprobs = e.chatLogprobs(r, a, 0, len(a.pieces))
	}
	return c
}

// chatLogprobs are those of the words among some of an answer's tokens.
func (e *Engine) chatLogprobs(r chatRequest, a answer, from, to int) *chatLogprobs {
	top, l := 0, &chatLogprobs{Content: []likelyTop{}}
	if r.TopLogprobs != nil {
		top = *r.TopLogprobs
	}
	for i := from; i < to; i++ {
		if p := a.pieces[i]; p.kind == text {
			l.Content = append(l.Content, e.chatLogprob(p.text, i, top))
		}
	}
	return l
}

// delta is a token of a chat's choice, or its end; the first one names the role.
func (e *Engine) delta(r chatRequest, a answer, index, position int) choice {
	c := choice{Index: index, Delta: &delta{}}
	if position == 0 {
		c.Delta.Role = "assistant"
	}
	if position == len(a.pieces) {
		return c
	}
	switch p := a.pieces[position]; p.kind {
	case text:
		c.Delta.Content = &p.text
		if r.Logprobs {
			c.Logprobs = e.chatLogprobs(r, a, position, position+1)
		}
	case reasoning:
		c.Delta.Reasoning = p.text
	case arguments:
		call := toolCall{Index: &p.call}
		call.Function.Arguments = p.text
		if position == 0 || a.pieces[position-1].call != p.call {
			call.ID, call.Type, call.Function.Name = a.calls[p.call].id, "function", a.calls[p.call].name
		}
		c.Delta.ToolCalls = []toolCall{call}
	}
	return c
}
