// Package openai reads and writes OpenAI's batch format: one request per line
// in, one answer per line out, and the token counts inside the answers.
package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/cocoon-network/cocoon"
)

const (
	// MaxLines is the most requests one batch holds.
	MaxLines = 1000
	// MaxFile is the most bytes one batch file holds.
	MaxFile = 8 << 20

	maxName = 256 // bytes of a custom_id and of a model's name
)

// Batch is a batch file whose lines ask the same model.
type Batch struct {
	Model string
	Lines []Line
}

// Line is one request. Body is as the client wrote it, unknown fields included.
type Line struct {
	CustomID string
	URL      string // one of Endpoints
	Body     json.RawMessage

	choices, maxOut uint64
}

// Endpoints are the paths a line may ask.
var Endpoints = []string{Chat, Completions, Embeddings}

// The paths a line may ask.
const (
	Chat        = "/v1/chat/completions"
	Completions = "/v1/completions"
	Embeddings  = "/v1/embeddings"
)

// ParseBatch reads a batch file and checks all that the market relies on: at
// least one line, unique custom_ids, one model. Blank lines are skipped and
// unknown fields kept. Errors name the line and hold nothing of its prompt.
func ParseBatch(file []byte) (Batch, error) {
	if len(file) > MaxFile {
		return Batch{}, cocoon.WithHint(cocoon.Invalid.Errorf("batch file has %d bytes, the most is %d", len(file), MaxFile),
			"cut it into several jobs")
	}
	var b Batch
	seen := map[string]bool{}
	number := 0
	for raw := range bytes.Lines(file) {
		number++
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		line, model, err := parseLine(raw)
		if err == nil {
			err = b.add(line, model, seen)
		}
		if err != nil {
			return Batch{}, fmt.Errorf("batch line %d: %w", number, err)
		}
	}
	if len(b.Lines) == 0 {
		return Batch{}, cocoon.Invalid.Errorf("batch file holds no request")
	}
	return b, nil
}

func (b *Batch) add(line Line, model string, seen map[string]bool) error {
	switch {
	case seen[line.CustomID]:
		return cocoon.Invalid.Errorf("custom_id %q was used before", line.CustomID)
	case len(b.Lines) > 0 && model != b.Model:
		return cocoon.Invalid.Errorf("asks model %q, the lines before %q: a job has one model", model, b.Model)
	case len(b.Lines) == MaxLines:
		return cocoon.WithHint(cocoon.Invalid.Errorf("is beyond the %d requests of a batch", MaxLines), "cut it into several jobs")
	}
	seen[line.CustomID] = true
	b.Model = model
	b.Lines = append(b.Lines, line)
	return nil
}

func parseLine(raw []byte) (line Line, model string, err error) {
	if !utf8.Valid(raw) {
		return Line{}, "", cocoon.Invalid.Errorf("is not UTF-8")
	}
	o, err := parseObject(raw)
	if err != nil {
		return Line{}, "", err
	}
	method := o.text("method", 8)
	line = Line{CustomID: o.text("custom_id", maxName), URL: o.text("url", maxName), Body: o.fields["body"]}
	if o.err != nil {
		return Line{}, "", o.err
	}
	if method != "POST" {
		return Line{}, "", cocoon.Invalid.Errorf("method is %q, only POST is served", method)
	}
	if line.URL != Chat && line.URL != Completions && line.URL != Embeddings {
		return Line{}, "", cocoon.Invalid.Errorf("url %q is none of %v", line.URL, Endpoints)
	}
	model, err = line.readBody()
	return line, model, err
}

// readBody checks what of the body decides about money: model, choices, limits.
func (l *Line) readBody() (model string, err error) {
	o, err := parseObject(l.Body)
	if err != nil {
		return "", fmt.Errorf("body: %w", err)
	}
	model = o.text("model", maxName)
	l.choices = o.count("n", 1)
	l.maxOut = o.count("max_completion_tokens", o.count("max_tokens", defaultOut))
	if l.URL == Embeddings {
		l.choices = 0
	}
	if s := o.fields["stream"]; s != nil && string(s) != "false" && string(s) != "null" {
		o.fail("stream is not for batches")
	}
	if o.err != nil {
		return "", fmt.Errorf("body: %w", o.err)
	}
	return model, nil
}

// defaultOut is what a choice is expected to take at most when nobody knows.
const defaultOut = 512

// Estimate guesses what the batch will take, from sizes and limits alone: four
// bytes a prompt token, and max_tokens but at most 512 for each choice. It is
// what a budget is measured against, not what is paid.
func (b Batch) Estimate() cocoon.Usage {
	var u cocoon.Usage
	for _, l := range b.Lines {
		u.Prompt += uint64(len(l.Body)+3) / 4
		u.Completion += l.choices * min(l.maxOut, defaultOut)
	}
	return u
}
