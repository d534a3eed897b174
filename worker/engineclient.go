package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// maxFaults is how often an engine may answer 429 or 5xx to one line before
// that is the line's answer.
const maxFaults = 4

// engineClient asks an OpenAI-compatible engine.
type engineClient struct {
	of    func(cocoon.ModelID) string // base URL of a model's engine
	http  *http.Client
	limit time.Duration // of one answer
	retry time.Duration
}

func newEngineClient(cfg Config, deps Deps) *engineClient {
	return &engineClient{cfg.engineOf, deps.HTTP, cfg.Answer, cfg.Retry}
}

// ask brings a line's answer, a refusal included. While the engine does not
// answer at all it is asked again, until ctx ends: then there is an error.
func (e *engineClient) ask(ctx context.Context, model cocoon.ModelID, l openai.Line, id string) (openai.Response, error) {
	wait := newBackoff(e.retry)
	for faults := 0; ; wait.sleep(ctx) {
		if err := ctx.Err(); err != nil {
			return openai.Response{}, err
		}
		r, err := e.post(ctx, e.of(model)+l.URL, l.Body, id)
		if err != nil {
			continue
		}
		if r.StatusCode < 500 && r.StatusCode != http.StatusTooManyRequests {
			return r, nil
		}
		if faults++; faults == maxFaults {
			return r, nil
		}
	}
}

func (e *engineClient) post(ctx context.Context, url string, line []byte, id string) (openai.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(line))
	if err != nil {
		return openai.Response{}, fmt.Errorf("ask engine: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.http.Do(req)
	if err != nil {
		return openai.Response{}, cocoon.Unreachable.Errorf("ask engine: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, envelope.MaxPlaintext+1))
	if err != nil {
		return openai.Response{}, cocoon.Unreachable.Errorf("read the engine's answer: %w", err)
	}
	if given := resp.Header.Get("X-Request-Id"); given != "" && len(given) <= 128 {
		id = given
	}
	return openai.Response{StatusCode: resp.StatusCode, RequestID: id, Body: asJSON(body)}, nil
}

// asJSON keeps what is JSON and makes a JSON text of what is not.
func asJSON(body []byte) json.RawMessage {
	if json.Valid(body) {
		return body
	}
	text, err := json.Marshal(string(body))
	if err != nil {
		return json.RawMessage("null") // a string is always JSON
	}
	return text
}

// ready are those of models whose engine answers.
func (e *engineClient) ready(ctx context.Context, models []cocoon.ModelID) (up []cocoon.ModelID) {
	answers := map[string]bool{}
	for _, m := range models {
		url := e.of(m)
		ok, asked := answers[url]
		if !asked && url != "" {
			ok = e.up(ctx, url)
		}
		if answers[url] = ok; ok {
			up = append(up, m)
		}
	}
	return up
}

func (e *engineClient) up(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/models", nil)
	if err != nil {
		return false
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode < 500
}
