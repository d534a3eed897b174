package api

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// ask is what an application wants: the request for the engine, and the form it
// wants the answer in.
type ask struct {
	endpoint string
	model    string
	body     []byte
	maxOut   int
	choices  int

	stream       bool
	usage        bool   // at the end of the stream
	base64       bool   // embeddings as text
	conversation []byte // what tells it from others; nil where there is no use in it
}

const (
	maxName    = 256     // bytes of a model's name
	maxChoices = 128     // OpenAI's limit
	maxTokens  = 1 << 24 // of an answer
)

// parseAsk reads the body of a request to endpoint. It checks what decides about
// money and form and leaves the rest to the engine, untouched.
func parseAsk(endpoint string, raw []byte, aliases map[string]string) (ask, error) {
	o, err := parseObject(raw)
	if err != nil {
		return ask{}, invalid("", "the body is not understood: %w", err)
	}
	a := ask{endpoint: endpoint}
	if json.Unmarshal(o.get("model"), &a.model) != nil || a.model == "" || len(a.model) > maxName {
		return ask{}, invalid("model", "model must be a text of 1 to %d bytes", maxName)
	}
	if alias, ok := aliases[a.model]; ok {
		a.model = alias
		o.set("model", marshal(alias))
	}
	if err = a.read(&o); err != nil {
		return ask{}, err
	}
	a.body = o.bytes()
	return a, nil
}

func (a *ask) read(o *object) error {
	switch a.endpoint {
	case openai.Embeddings:
		return a.readEmbeddings(*o)
	case openai.Completions:
		if err := a.readPrompts(*o); err != nil {
			return err
		}
	default:
		if err := a.readMessages(*o); err != nil {
			return err
		}
	}
	if err := a.readLimits(*o); err != nil {
		return err
	}
	return a.readStream(o)
}

func (a *ask) readEmbeddings(o object) error {
	if o.get("input") == nil {
		return invalid("input", "input must be there")
	}
	switch string(o.get("encoding_format")) {
	case "", `"float"`:
	case `"base64"`:
		a.base64 = true
	default:
		return invalid("encoding_format", "encoding_format must be float or base64")
	}
	return nil
}

// readPrompts counts the prompts of a completion: each has its own choices.
func (a *ask) readPrompts(o object) error {
	raw := o.get("prompt")
	a.choices = 1
	if raw == nil {
		return invalid("prompt", "prompt must be there")
	}
	if raw[0] != '[' {
		return nil
	}
	all := elements(raw)
	if len(all) == 0 {
		return invalid("prompt", "prompt must not be empty")
	}
	if all[0][0] == '"' || all[0][0] == '[' { // texts, or lists of tokens; numbers are one list of tokens
		a.choices = len(all)
	}
	return nil
}

func (a *ask) readLimits(o object) error {
	n, err := count(o, "n", 1, 1, maxChoices)
	if err != nil {
		return err
	}
	if a.endpoint == openai.Completions {
		best, err := count(o, "best_of", n, 1, maxChoices)
		if err != nil {
			return err
		}
		n = max(n, best) // all of them are generated
	}
	a.choices *= n
	if a.maxOut, err = count(o, "max_tokens", 0, 0, maxTokens); err != nil {
		return err
	}
	if a.endpoint == openai.Chat {
		a.maxOut, err = count(o, "max_completion_tokens", a.maxOut, 0, maxTokens)
	}
	return err
}

// readStream notes how the application wants its answer and has the engine
// stream it with its usage, which is what metering goes by.
func (a *ask) readStream(o *object) error {
	if raw := o.get("stream"); raw != nil && json.Unmarshal(raw, &a.stream) != nil {
		return invalid("stream", "stream must be true or false")
	}
	var options object
	if raw := o.get("stream_options"); raw != nil {
		var err error
		if options, err = parseObject(raw); err != nil {
			return invalid("stream_options", "stream_options is not understood: %w", err)
		}
	}
	if raw := options.get("include_usage"); raw != nil && json.Unmarshal(raw, &a.usage) != nil {
		return invalid("stream_options.include_usage", "include_usage must be true or false")
	}
	options.set("include_usage", json.RawMessage("true"))
	o.set("stream", json.RawMessage("true"))
	o.set("stream_options", options.bytes())
	return nil
}

// count is the whole number called name, fallback where there is none.
func count(o object, name string, fallback, least, most int) (int, error) {
	raw := o.get(name)
	if raw == nil {
		return fallback, nil
	}
	var n int
	if json.Unmarshal(raw, &n) != nil || n < least || n > most {
		return 0, invalid(name, "%s must be a whole number of %d to %d", name, least, most)
	}
	return n, nil
}

// readMessages checks that there are messages whose size bounds their price: a
// picture behind a link has any number of tokens, and the worker that fetched it
// would be seen.
func (a *ask) readMessages(o object) error {
	all := elements(o.get("messages"))
	if len(all) == 0 {
		return invalid("messages", "messages must be a list of one message or more")
	}
	a.choices = 1
	a.conversation = conversation(o, all)
	if !bytes.Contains(o.get("messages"), []byte("_url")) {
		return nil
	}
	for _, raw := range all {
		var m struct {
			Content []map[string]json.RawMessage `json:"content"`
		}
		if json.Unmarshal(raw, &m) != nil {
			continue // content is a text, or the engine's to refuse
		}
		for _, part := range m.Content {
			for name, value := range part {
				if strings.HasSuffix(name, "_url") && remote(value) {
					return invalid("messages", "a message links to a file: send it inline, as a data: URL")
				}
			}
		}
	}
	return nil
}

// remote reports whether value, a URL or an object with one, leads elsewhere.
func remote(value json.RawMessage) bool {
	var inside struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(value, &inside.URL) != nil && json.Unmarshal(value, &inside) != nil {
		return false
	}
	return inside.URL != "" && !strings.HasPrefix(strings.ToLower(inside.URL), "data:")
}
