package engine

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func made(schema string) (string, error) {
	raw, err := document(json.RawMessage(schema), rand.New(rand.NewPCG(1, 2)))
	return string(raw), err
}

func TestSchema_DocumentsAreValid(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"const":{"a":[1,null]}}`: `{"a":[1,null]}`,
		`{"enum":["only"]}`:        `"only"`,
		`{"type":"null"}`:          `null`,
		`{"type":["integer","null"],"minimum":7,"maximum":7}`:         `7`,
		`{"type":"integer","exclusiveMinimum":6,"maximum":7.5}`:       `7`,
		`{"type":"integer","minimum":6.2,"exclusiveMaximum":7.9}`:     `7`,
		`{"type":"number","exclusiveMinimum":1,"exclusiveMaximum":2}`: `1.5`,
		`{"type":"number","exclusiveMaximum":-5}`:                     `-6`,
		`{"type":"number","exclusiveMinimum":1000}`:                   `1001`,
		`{"type":"string","format":"date"}`:                           `"2026-01-02"`,
		`{"type":"string","maxLength":0}`:                             `""`,
		`{"type":"array","maxItems":0}`:                               `[]`,
		`{"type":"array","items":false}`:                              `[]`,
		`{"type":"array","items":{"const":1},"minItems":3}`:           `[1,1,1]`,
		`{"items":{"const":1}}`:                                       `[1]`,
		`{"properties":{"b":{"const":1},"a":{"const":2}}}`:            `{"a":2,"b":1}`,
		`{"type":"object","properties":{"a":{"pattern":"x"}}}`:        `{}`,
		`{"anyOf":[{"pattern":"x"},{"const":1}]}`:                     `1`,
		`{"anyOf":[{"type":"object"},{"not":{}}]}`:                    `{}`,
		`{"allOf":[{"const":1}]}`:                                     `1`,
		`{"$defs":{"a/b":{"const":1}},"$ref":"#/$defs/a~1b"}`:         `1`,
		`{"type":"object","properties":{"v":{"const":1},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["v","next"]}`: `{"next":null,"v":1}`,
		`{"type":"object","properties":{"v":{"const":1},"next":{"$ref":"#"}},"required":["v"]}`:                                    `{"v":1}`,
	} {
		doc, err := made(schema)
		require.NoError(t, err, schema)
		require.JSONEq(t, want, doc, schema)
	}
	doc, err := made(`{"type":"string","minLength":50,"maxLength":55}`)
	require.NoError(t, err)
	require.True(t, len(doc) >= 52 && len(doc) <= 57, doc)
	doc, err = made(`{"required":["undescribed"],"type":"object"}`)
	require.NoError(t, err)
	require.Contains(t, doc, `"undescribed":"`)
}

func TestSchema_WhatCannotBeMetIsRefused(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`nonsense`:                        "not JSON",
		`7`:                               "neither an object nor true",
		`false`:                           "neither an object nor true",
		`{"not":{}}`:                      "keyword not is",
		`{"anyOf":[]}`:                    "is empty",
		`{"type":[]}`:                     "is empty",
		`{"type":"x"}`:                    "none of JSON's",
		`{"$ref":"#x"}`:                   "not a path",
		`{"$ref":"https://example.com/"}`: "not a path",
		`{"$ref":"#/absent"}`:             "neither an object",
		`{"$ref":"#"}`:                    "too deeply",
		`{"allOf":[{},{}]}`:               "allOf",
		`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`:        "too deeply",
		`{"type":"integer","minimum":2,"maximum":1}`:                                "bounds",
		`{"type":"integer","minimum":1.2,"maximum":1.8}`:                            "bounds",
		`{"type":"number","exclusiveMinimum":1,"maximum":1}`:                        "bounds",
		`{"type":"string","minLength":2,"maxLength":1}`:                             "length",
		`{"type":"string","minLength":1000000}`:                                     "length",
		`{"type":"string","format":"uuid","maxLength":3}`:                           "length",
		`{"type":"array","minItems":1000000}`:                                       "length",
		`{"type":"array","minItems":1,"items":false}`:                               "neither an object",
		`{"type":"array","minItems":1000,"items":{"type":"array","minItems":1000}}`: "too large",
	} {
		_, err := made(schema)
		require.ErrorContains(t, err, want, schema)
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"v":{"type":"integer","minimum":1},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["v","next"]}`)
	f.Add(`{"type":["array","string"],"items":{"enum":[1]},"minItems":3,"minLength":4}`)
	f.Add(`{"allOf":[{"type":"number","exclusiveMinimum":1e308}]}`)
	f.Fuzz(func(t *testing.T, schema string) {
		doc, err := made(schema)
		if err != nil {
			require.Empty(t, doc)
			return
		}
		require.True(t, json.Valid([]byte(doc)))
		again, _ := made(schema)
		require.Equal(t, doc, again)
		require.Equal(t, strings.TrimSpace(doc), doc)
	})
}
