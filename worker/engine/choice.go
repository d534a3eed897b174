package engine

import "encoding/json"

// completion is the answer of chat and completions, and each event of a stream.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   any      `json:"usage,omitempty"` // *usage, or null
}

// null is a field that is there and empty.
var null = json.RawMessage("null")

type choice struct {
	Index    int      `json:"index"`
	Message  *message `json:"message,omitempty"` // chat
	Delta    *delta   `json:"delta,omitempty"`   // chat, streamed
	Text     *string  `json:"text,omitempty"`    // completions
	Logprobs any      `json:"logprobs,omitempty"`
	Reason   *string  `json:"finish_reason"`
}

type message struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"` // null beside tool calls
	Reasoning string     `json:"reasoning_content,omitempty"`
	Refusal   any        `json:"refusal"` // always null
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type delta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	Index    *int   `json:"index,omitempty"` // streamed
	ID       string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Function struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}
