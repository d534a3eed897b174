package engine

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

type tool struct {
	Function struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// toolChoice is auto, none, required, or the name of one tool.
type toolChoice struct{ mode, name string }

func (c *toolChoice) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &c.mode) == nil {
		return nil
	}
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return err
	}
	c.mode, c.name = "named", named.Function.Name
	return nil
}

// call is a tool that an answer calls; its arguments are among the pieces.
type call struct{ id, name string }

// called are the tools that an answer to r calls: what tool_choice demands,
// else those that the last message names, where it is the user's.
func (r chatRequest) called() ([]tool, *failure) {
	for _, t := range r.Tools {
		if t.Function.Name == "" {
			return nil, invalid("tools", "a tool must be a function with a name")
		}
	}
	switch r.ToolChoice.mode {
	case "", "auto", "none", "required", "named":
	default:
		return nil, invalid("tool_choice", "tool_choice must be auto, none, required or a function")
	}
	last := r.Messages[len(r.Messages)-1]
	asked := strings.Join(last.Content, "\n")
	var list []tool
	for _, t := range r.Tools {
		switch named := strings.Contains(asked, t.Function.Name); {
		case r.ToolChoice.mode == "named" && t.Function.Name == r.ToolChoice.name:
			return []tool{t}, nil
		case r.ToolChoice.mode == "required" && named, (r.ToolChoice.mode == "" || r.ToolChoice.mode == "auto") && named && last.Role == "user":
			list = append(list, t)
		}
	}
	switch {
	case r.ToolChoice.mode == "named":
		return nil, invalid("tool_choice", "tool_choice names a function that is not among tools")
	case r.ToolChoice.mode == "required" && len(r.Tools) == 0:
		return nil, invalid("tool_choice", "tool_choice needs tools")
	case r.ToolChoice.mode == "required" && len(list) == 0:
		list = r.Tools[:1]
	}
	if r.Parallel != nil && !*r.Parallel && len(list) > 1 {
		list = list[:1]
	}
	return list, nil
}

// call is an answer that calls tools, with small valid arguments.
func (e *Engine) call(r chatRequest, prompt []string, tools []tool, choice, limit int) (answer, *failure) {
	a, random := answer{reason: "tool_calls"}, e.random(r.sampling, prompt, choice)
	for i, t := range tools {
		args := json.RawMessage(`{}`)
		if given := t.Function.Parameters; len(given) > 0 && string(given) != "null" {
			var err error
			if args, err = document(given, random); err != nil {
				return a, invalid("tools", fmt.Sprintf("this engine cannot fill in the parameters of a tool: %v", err))
			}
		}
		id := sha256.Sum256(fmt.Appendf(nil, "%d %d %q", choice, i, prompt))
		a.calls = append(a.calls, call{fmt.Sprintf("call_%x", id[:12]), t.Function.Name})
		a.add(arguments, i, pieces(string(args)))
	}
	a.limit(limit)
	return a, nil
}

// format is response_format.
type format struct {
	Type   string `json:"type"`
	Schema struct {
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// write is an answer that is a JSON document.
func (e *Engine) write(r chatRequest, prompt []string, choice, limit int) (answer, *failure) {
	a := answer{reason: "stop"}
	var doc json.RawMessage
	if r.Format.Type == "json_schema" {
		var err error
		if doc, err = document(r.Format.Schema.Schema, e.random(r.sampling, prompt, choice)); err != nil {
			return a, invalid("response_format", fmt.Sprintf("this engine cannot follow the schema: %v", err))
		}
	} else {
		digest := sha256.Sum256([]byte(strings.Join(prompt, "\x00")))
		doc = mustJSON(struct {
			Notice string `json:"notice"`
			Read   int    `json:"read"`
			Digest string `json:"digest"`
			Answer int    `json:"answer"`
		}{Notice, countTokens(prompt...), fmt.Sprintf("%x", digest[:4]), choice + 1})
	}
	a.add(text, 0, pieces(string(doc)))
	a.limit(limit)
	return a, nil
}

// mustJSON encodes what is made of texts and numbers of ours.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
