package api

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// priced is the usage an application is told: what the engine said, with its
// cost; where the bill counts otherwise, the bill's numbers, since those are paid.
func priced(raw json.RawMessage, bill Bill) json.RawMessage {
	o, err := parseObject(raw)
	u, uerr := openai.ParseUsage([]byte(`{"usage":` + string(raw) + `}`))
	if err != nil || uerr != nil || u != bill.Usage {
		o = countsOf(bill)
	}
	o.set("cost_nano", marshal(bill.Cost))
	return o.bytes()
}

// countsOf has OpenAI's totals, which include what their details say.
func countsOf(bill Bill) object {
	u := bill.Usage
	var o object
	o.set("prompt_tokens", marshal(u.Prompt+u.Cached))
	o.set("completion_tokens", marshal(u.Completion+u.Reasoning))
	o.set("total_tokens", marshal(u.Total()))
	o.set("prompt_tokens_details", marshal(map[string]uint64{"cached_tokens": u.Cached}))
	o.set("completion_tokens_details", marshal(map[string]uint64{"reasoning_tokens": u.Reasoning}))
	return o
}

// embeddings is the engine's body with its cost, and its vectors in the form
// that was asked for, whichever the engine knows.
func embeddings(a ask, chunks []chunk, bill Bill) ([]byte, error) {
	if len(chunks) != 1 {
		return nil, badAnswer("embeddings in pieces")
	}
	o, err := parseObject(chunks[0].data)
	if err != nil {
		return nil, badAnswer("what is no JSON object")
	}
	var data []json.RawMessage
	if json.Unmarshal(o.get("data"), &data) != nil {
		return nil, badAnswer("embeddings without data")
	}
	changed := false
	for i, raw := range data {
		item, err := parseObject(raw)
		v := item.get("embedding")
		if err != nil || v == nil {
			return nil, badAnswer("an embedding without a vector")
		}
		if (v[0] == '"') == a.base64 {
			continue
		}
		if v, err = recode(v); err != nil {
			return nil, err
		}
		item.set("embedding", v)
		data[i], changed = item.bytes(), true
	}
	if changed {
		o.set("data", marshal(data))
	}
	o.set("usage", priced(o.get("usage"), bill))
	return o.bytes(), nil
}

// recode turns numbers into base64 of little-endian 32-bit floats, and back.
func recode(v json.RawMessage) (json.RawMessage, error) {
	var numbers []float32
	if v[0] == '[' {
		if json.Unmarshal(v, &numbers) != nil {
			return nil, badAnswer("an embedding that is no vector")
		}
		var b []byte
		for _, f := range numbers {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
		}
		return marshal(base64.StdEncoding.EncodeToString(b)), nil
	}
	var text string
	if json.Unmarshal(v, &text) != nil {
		return nil, badAnswer("an embedding that is no vector")
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return nil, badAnswer("an embedding that is no vector")
	}
	for i := 0; i < len(b); i += 4 {
		f := math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return nil, badAnswer("an embedding that is no vector")
		}
		numbers = append(numbers, f)
	}
	return marshal(numbers), nil
}
