package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/cocoon-network/cocoon"
)

// Result is one line of a results file. Either Response or Error is set.
type Result struct {
	ID       string    `json:"id"`
	CustomID string    `json:"custom_id"`
	Response *Response `json:"response"`
	Error    *Error    `json:"error"`
}

// Response is what the engine answered, a refusal included.
type Response struct {
	StatusCode int             `json:"status_code"`
	RequestID  string          `json:"request_id"`
	Body       json.RawMessage `json:"body"`
}

// Error says why a line was never answered.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// OK reports whether the line succeeded, and so is paid for.
func (r Result) OK() bool { return r.Response != nil && r.Response.StatusCode == http.StatusOK }

// Usage is what the line is paid for: nothing where it failed, and nothing
// where the answer does not say.
func (r Result) Usage() cocoon.Usage {
	if !r.OK() {
		return cocoon.Usage{}
	}
	u, err := ParseUsage(r.Response.Body)
	if err != nil {
		return cocoon.Usage{}
	}
	return u
}

// TotalUsage is what all results are paid for together.
func TotalUsage(results []Result) cocoon.Usage {
	var u cocoon.Usage
	for _, r := range results {
		u = u.Add(r.Usage())
	}
	return u
}

// EncodeResults writes a results file.
func EncodeResults(results []Result) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		if err := enc.Encode(r); err != nil {
			return nil, fmt.Errorf("write results: %w", err)
		}
	}
	return out.Bytes(), nil
}

// ParseResults reads a results file and checks that it answers every line of b
// once and nothing else. The order is the file's.
func (b Batch) ParseResults(file []byte) ([]Result, error) {
	open := make(map[string]bool, len(b.Lines))
	for _, l := range b.Lines {
		open[l.CustomID] = true
	}
	var results []Result
	for raw := range bytes.Lines(file) {
		var r Result
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, cocoon.Invalid.Errorf("results line %d is not valid", len(results)+1)
		}
		if (r.Response == nil) == (r.Error == nil) || r.Response != nil && len(r.Response.Body) == 0 {
			return nil, cocoon.Invalid.Errorf("results line %d holds neither a response nor an error", len(results)+1)
		}
		if !open[r.CustomID] {
			return nil, cocoon.Invalid.Errorf("results line %d answers what was not asked, or was answered before", len(results)+1)
		}
		delete(open, r.CustomID)
		results = append(results, r)
	}
	if len(open) > 0 {
		return nil, cocoon.Invalid.Errorf("results leave %d of %d requests unanswered", len(open), len(b.Lines))
	}
	return results, nil
}
