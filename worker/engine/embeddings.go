package engine

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
)

const (
	defaultDimensions = 8
	maxDimensions     = 8 // a digest yields eight numbers
)

type embedRequest struct {
	Model      string `json:"model"`
	Input      texts  `json:"input"`
	Format     string `json:"encoding_format"`
	Dimensions *int   `json:"dimensions"`
}

func (r embedRequest) model() string { return r.Model }

type embeddings struct {
	Object string      `json:"object"`
	Data   []embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  *embedUsage `json:"usage,omitempty"`
}

type embedUsage struct {
	Prompt int `json:"prompt_tokens"`
	Total  int `json:"total_tokens"`
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // numbers, or base64 of little-endian floats
}

func (e *Engine) embed(r embedRequest) (*task, *failure) {
	if len(r.Input) == 0 {
		return nil, invalid("input", "input must be a text or several")
	}
	size := defaultDimensions
	if r.Dimensions != nil {
		size = *r.Dimensions
	}
	if size < 1 || size > maxDimensions {
		return nil, invalid("dimensions", "dimensions must be 1 to 8")
	}
	if r.Format != "" && r.Format != "float" && r.Format != "base64" {
		return nil, invalid("encoding_format", "encoding_format must be float or base64")
	}
	t := &task{sampling: sampling{Model: r.Model}}
	for _, text := range r.Input {
		t.prompts = append(t.prompts, pieces(text))
	}
	t.whole = func(_ int64, u *usage) any { return r.vectors(size, u) }
	return t, nil
}

func (r embedRequest) vectors(size int, u *usage) embeddings {
	out := embeddings{Object: "list", Model: r.Model}
	for i, text := range r.Input {
		v := vector(text, size)
		item := embedding{"embedding", i, v}
		if r.Format == "base64" {
			item.Embedding = encodeFloats(v)
		}
		out.Data = append(out.Data, item)
	}
	if u != nil {
		out.Usage = &embedUsage{u.Prompt, u.Total}
	}
	return out
}

// vector is text's digest as a vector of length 1. It means nothing.
func vector(text string, size int) []float32 {
	digest := sha256.Sum256([]byte(text))
	v := make([]float64, size)
	var square float64
	for i := range v {
		v[i] = float64(int32(binary.BigEndian.Uint32(digest[4*i:])|1)) / (1 << 31) // |1: never all zero
		square += v[i] * v[i]
	}
	out := make([]float32, size)
	for i := range v {
		out[i] = float32(v[i] / math.Sqrt(square))
	}
	return out
}

func encodeFloats(v []float32) string {
	var raw []byte
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
