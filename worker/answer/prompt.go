package answer

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// task is a prompt that was opened, as the engine is asked.
type task struct {
	secret stream.Secret
	body   []byte // JSON
	size   int    // of the client's JSON, bytes: no prompt has more tokens
}

// newTask makes what the engine is asked out of what the client wrote: a stream
// with usage, of no more tokens than the route allows. Nothing else changes.
func newTask(r stream.Route, prompt []byte, secret stream.Secret) (*task, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(prompt, &fields); err != nil || fields == nil {
		return nil, cocoon.Invalid.Errorf("the prompt is not a JSON object") // err would quote it
	}
	var model string
	if json.Unmarshal(fields["model"], &model) != nil || cocoon.NewModelID(model) != r.Model {
		return nil, cocoon.Invalid.Errorf("the prompt names another model than the route")
	}
	delete(fields, "stream")
	delete(fields, "stream_options")
	if r.Endpoint != stream.Embeddings {
		fields["stream"] = json.RawMessage("true")
		fields["stream_options"] = json.RawMessage(`{"include_usage":true,"continuous_usage_stats":true}`)
		if missing(fields["max_tokens"]) && missing(fields["max_completion_tokens"]) {
			fields["max_tokens"] = strconv.AppendUint(nil, uint64(r.MaxOut), 10)
		}
	}
	var body bytes.Buffer
	to := json.NewEncoder(&body)
	to.SetEscapeHTML(false)
	if err := to.Encode(fields); err != nil {
		return nil, cocoon.Internal.Errorf("write what the engine is asked")
	}
	return &task{secret: secret, body: body.Bytes(), size: len(prompt)}, nil
}

func missing(field json.RawMessage) bool { return field == nil || string(field) == "null" }
