package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	maxDepth  = 12
	maxVisits = 1 << 14 // subschemas looked at for one document
	maxLength = 1 << 10 // of a text or a list in it
)

// errDeep is a value that takes more levels than are allowed for now.
var errDeep = errors.New("it is nested too deeply")

// unsupported are the keywords whose meaning this maker does not know. A schema
// with one is refused rather than answered with what may not be valid.
var unsupported = []string{"not", "if", "pattern", "patternProperties", "multipleOf", "uniqueItems", "contains",
	"minProperties", "propertyNames", "prefixItems", "dependentRequired", "dependentSchemas"}

// maker makes one document.
type maker struct {
	root   any
	random *rand.Rand
	visits int
}

// document is a small value that schema allows, as flat as it can be.
func document(schema json.RawMessage, random *rand.Rand) (json.RawMessage, error) {
	m := &maker{random: random}
	if err := json.Unmarshal(schema, &m.root); err != nil {
		return nil, errors.New("it is not JSON")
	}
	var v any
	err := errDeep
	for depth := 0; errors.Is(err, errDeep) && depth <= maxDepth; depth++ {
		v, err = m.value(m.root, depth)
	}
	if err != nil {
		return nil, err
	}
	return mustJSON(v), nil
}

// value is one that schema allows, with at most depth levels below it.
func (m *maker) value(schema any, depth int) (any, error) {
	if m.visits++; m.visits > maxVisits {
		return nil, errors.New("it is too large")
	}
	if schema == true {
		return m.word(), nil
	}
	s, ok := schema.(map[string]any)
	if !ok {
		return nil, errors.New("a schema is neither an object nor true")
	}
	for _, k := range unsupported {
		if _, there := s[k]; there {
			return nil, fmt.Errorf("the keyword %s is not supported", k)
		}
	}
	if c, there := s["const"]; there {
		return c, nil
	}
	if list, there := s["enum"].([]any); there && len(list) > 0 {
		return list[m.random.IntN(len(list))], nil
	}
	if ref, there := s["$ref"].(string); there {
		return m.ref(ref, depth)
	}
	for _, k := range []string{"allOf", "anyOf", "oneOf"} {
		if list, there := s[k].([]any); there {
			if k == "allOf" && len(list) > 1 {
				return nil, errors.New("the keyword allOf is not supported with several schemas")
			}
			return m.first(list, depth)
		}
	}
	return m.typed(s, depth)
}

// ref is a value of the schema that a local reference names.
func (m *maker) ref(ref string, depth int) (any, error) {
	if depth == 0 {
		return nil, errDeep // a chain of references ends somewhere
	}
	at := m.root
	path, local := strings.CutPrefix(ref, "#")
	if !local || path != "" && path[0] != '/' {
		return nil, errors.New("a $ref is not a path in its document")
	}
	for _, name := range strings.Split(path, "/")[1:] {
		o, _ := at.(map[string]any)
		at = o[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return m.value(at, depth-1)
}

// first is a value of the first schema that has one.
func (m *maker) first(list []any, depth int) (any, error) {
	return try(list, "a list of alternatives is empty", func(s any) (any, error) { return m.value(s, depth) })
}

// try is the first value there is. Of failures, errDeep says most: there may be one.
func try(list []any, none string, one func(any) (any, error)) (any, error) {
	failed := errors.New(none)
	for _, s := range list {
		v, err := one(s)
		if err == nil {
			return v, nil
		}
		if !errors.Is(failed, errDeep) {
			failed = err
		}
	}
	return nil, failed
}

func (m *maker) typed(s map[string]any, depth int) (any, error) {
	types, _ := s["type"].([]any)
	switch {
	case s["type"] != nil && types == nil:
		types = []any{s["type"]}
	case types == nil && s["properties"] != nil:
		types = []any{"object"}
	case types == nil && s["items"] != nil:
		types = []any{"array"}
	case types == nil:
		types = []any{"string"}
	}
	return try(types, "a list of types is empty", func(t any) (any, error) { return m.plain(t, s, depth) })
}

func (m *maker) plain(kind any, s map[string]any, depth int) (any, error) {
	switch kind {
	case "object":
		return m.object(s, depth)
	case "array":
		return m.list(s, depth)
	case "string":
		return m.text(s)
	case "integer", "number":
		return m.number(s, kind == "integer")
	case "boolean":
		return m.random.IntN(2) == 1, nil
	case "null":
		return nil, nil
	}
	return nil, errors.New("a type is none of JSON's")
}

// object has all that is required, and what else is easily made.
func (m *maker) object(s map[string]any, depth int) (any, error) {
	if depth == 0 {
		return nil, errDeep
	}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	names := slices.Collect(maps.Keys(properties))
	for _, r := range required {
		if name, ok := r.(string); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := map[string]any{}
	for _, name := range slices.Compact(names) {
		schema, described := properties[name]
		if !described {
			schema = true
		}
		v, err := m.value(schema, depth-1)
		switch {
		case err == nil:
			out[name] = v
		case slices.Contains(required, any(name)):
			return nil, err
		}
	}
	return out, nil
}

func (m *maker) list(s map[string]any, depth int) (any, error) {
	if depth == 0 {
		return nil, errDeep
	}
	least, most := bound(s, "minItems", 0), bound(s, "maxItems", maxLength)
	if least > most || least > maxLength {
		return nil, errors.New("a list's length cannot be met")
	}
	items, described := s["items"]
	if !described {
		items = true
	}
	out := []any{}
	for range int(min(max(least, 1), most)) {
		v, err := m.value(items, depth-1)
		if err != nil && len(out) >= int(least) {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

var formats = map[string]string{"date": "2026-01-02", "time": "03:04:05Z", "date-time": "2026-01-02T03:04:05Z", "duration": "PT1M",
	"email": "mail@example.com", "hostname": "example.com", "uri": "https://example.com/", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uuid": "00000000-0000-4000-8000-000000000000"}

func (m *maker) text(s map[string]any) (any, error) {
	least, most := bound(s, "minLength", 0), bound(s, "maxLength", maxLength)
	if least > most || least > maxLength {
		return nil, errors.New("a text's length cannot be met")
	}
	format, _ := s["format"].(string)
	if t, ok := formats[format]; ok {
		if float64(len(t)) < least || float64(len(t)) > most {
			return nil, errors.New("a text's length does not suit its format")
		}
		return t, nil
	}
	t := m.word()
	for float64(len(t)) < least {
		t += " " + m.word()
	}
	if float64(len(t)) > most {
		t = t[:int(most)]
	}
	return t, nil
}

func (m *maker) number(s map[string]any, whole bool) (any, error) {
	low, high := bound(s, "minimum", math.Inf(-1)), bound(s, "maximum", math.Inf(1))
	above, below := bound(s, "exclusiveMinimum", math.Inf(-1)), bound(s, "exclusiveMaximum", math.Inf(1))
	n := float64(m.random.IntN(100))
	n = min(max(n, low), high)
	if whole {
		low, high = max(math.Ceil(low), math.Floor(above)+1), min(math.Floor(high), math.Ceil(below)-1)
		n = min(max(math.Round(n), low), high)
	} else if n <= above || n >= below {
		n = between(max(low, above), min(high, below))
	}
	if n < low || n > high || n <= above || n >= below || math.IsInf(n, 0) {
		return nil, errors.New("a number's bounds cannot be met")
	}
	return n, nil
}

// between is a number above low and below high, either of which may be infinite.
func between(low, high float64) float64 {
	switch {
	case math.IsInf(low, 0):
		return high - 1
	case math.IsInf(high, 0):
		return low + 1
	}
	return low + (high-low)/2
}

func bound(s map[string]any, name string, fallback float64) float64 {
	if n, ok := s[name].(float64); ok {
		return n
	}
	return fallback
}

func (m *maker) word() string { return words[m.random.IntN(len(words))] }
