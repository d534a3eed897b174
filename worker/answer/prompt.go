package answer

import (
	"encoding/json"
	"strconv"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/jsonscan"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// task is a prompt that was opened, as the engine is asked.
type task struct {
	secret stream.Secret
	body   []byte // JSON
	size   int    // of the client's JSON, bytes: no prompt has more tokens
}

// asStream is what an engine is asked for beyond what the client wrote.
const asStream = `"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},`

// newTask makes what the engine is asked out of what the client wrote: a stream
// with usage, of no more tokens than the route allows. Nothing else changes, byte
// by byte. Of what is ours and there twice, the last counts and alone is handed on.
func newTask(r stream.Route, prompt []byte, secret stream.Secret) (*task, error) {
	var named, maxTokens, maxCompletion []byte
	body := append(make([]byte, 0, len(prompt)+len(asStream)+64), '{')
	is := jsonscan.Spans(prompt, func(f jsonscan.Field) {
		switch string(jsonscan.NameOf(f.Name)) {
		case "model":
			named = f.Value
		case "max_tokens":
			maxTokens = f.Value
		case "max_completion_tokens":
			maxCompletion = f.Value
		case "stream", "stream_options":
		default:
			body = append(append(body, prompt[f.From:f.To]...), ',')
		}
	})
	if !is {
		return nil, cocoon.Invalid.Errorf("the prompt is not a JSON object")
	}
	var model string
	if json.Unmarshal(named, &model) != nil || cocoon.NewModelID(model) != r.Model {
		return nil, cocoon.Invalid.Errorf("the prompt names another model than the route")
	}
	if r.Endpoint != stream.Embeddings {
		body = append(body, asStream...)
		if missing(maxTokens) && missing(maxCompletion) {
			maxTokens = strconv.AppendUint(nil, uint64(r.MaxOut), 10)
		}
	}
	body = appendField(body, "max_tokens", maxTokens)
	body = appendField(body, "max_completion_tokens", maxCompletion)
	body = appendField(body, "model", named)
	body[len(body)-1] = '}'
	return &task{secret: secret, body: body, size: len(prompt)}, nil
}

// appendField adds a field, where there is one, and a comma.
func appendField(body []byte, name string, value []byte) []byte {
	if value == nil {
		return body
	}
	body = append(append(append(body, '"'), name...), `":`...)
	return append(append(body, value...), ',')
}

func missing(field json.RawMessage) bool { return field == nil || string(field) == "null" }
