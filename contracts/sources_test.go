package contracts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// function is a function of a FunC source.
type function struct {
	file, name, head, body string
}

func (f function) impure() bool { return strings.Contains(f.head, "impure") }

var (
	functionForm = regexp.MustCompile(`(?m)^(?:[\w(][^;={}\n]*?) ~?([a-z_][\w:?]*)\([^{}\n]*\)([^{};\n]*)\{((?s:.*?))(?:^\}| \}$)`)
	commentForm  = regexp.MustCompile(`;;[^\n]*`)
	// A call by name, by dot or by tilde.
	callForm = regexp.MustCompile(`[.~]?([a-z_][\w:?]*)\(`)
)

func funcSources(t *testing.T) map[string]string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.fc", "imports/*.fc"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Greater(t, len(files), 8)
	sources := map[string]string{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		sources[file] = commentForm.ReplaceAllString(string(src), "")
	}
	return sources
}

func functions(t *testing.T) (all []function) {
	t.Helper()
	for file, src := range funcSources(t) {
		for _, m := range functionForm.FindAllStringSubmatch(src, -1) {
			all = append(all, function{file, m[1], m[2], m[3]})
		}
	}
	require.Greater(t, len(all), 150)
	return all
}

// FunC drops a call whose result nobody uses, checks and sends and all, unless
// the function says that it has effects.
func TestSources_WhatThrowsOrSendsIsImpure(t *testing.T) {
	t.Parallel()
	effects := map[string]bool{"throw": true, "throw_if": true, "throw_unless": true}
	for _, m := range regexp.MustCompile(`~?([a-z_][\w:?]*)\([^\n]*\) impure asm`).FindAllStringSubmatch(funcSources(t)["imports/stdlib.fc"], -1) {
		effects[m[1]] = true
	}
	require.Subset(t, effects, map[string]bool{"send_raw_message": true, "raw_reserve": true, "set_data": true, "end_parse": true, "accept_message": true})
	all := functions(t)
	for _, f := range all {
		if f.impure() {
			effects[f.name] = true
		}
	}
	for _, f := range all {
		if f.impure() || strings.Contains(f.head, "method_id") {
			continue
		}
		for _, call := range callForm.FindAllStringSubmatch(f.body, -1) {
			require.False(t, effects[call[1]], "%s: %s calls %s and is not impure", f.file, f.name, call[1])
		}
	}
}

// What a contract could be emptied, replaced or tricked with.
func TestSources_NoneReplacesCodeRunsForeignCodeOrDrawsLots(t *testing.T) {
	t.Parallel()
	for file, src := range funcSources(t) {
		for _, word := range []string{"SETCODE", "SETLIBCODE", "CHANGELIB", "RUNVM", "RANDU256", "RAND", "SETRAND", "BLESS", "set_code", "random"} {
			require.NotContains(t, src, word, file)
		}
	}
	tact, err := os.ReadFile("registry.tact")
	require.NoError(t, err)
	for _, word := range []string{"setCode", "asm ", "randomInt", "nativeRandom", "sendRawMessage", "SendDestroyIfZero"} {
		require.NotContains(t, string(tact), word)
	}
}

// A send carries an amount and its own fees, or all that is not reserved; either
// way it fails whole. Nothing destroys an account or ignores an error.
func TestSources_SendModesAreTwo(t *testing.T) {
	t.Parallel()
	mode := regexp.MustCompile(`send_raw_message\((?s:.*?),\s+(send::\w+ \| send::\w+)\);`)
	sends := 0
	for file, src := range funcSources(t) {
		calls := strings.Count(src, "send_raw_message(") - strings.Count(src, "() send_raw_message(")
		found := mode.FindAllStringSubmatch(src, -1)
		require.Equal(t, calls, len(found), "%s: a mode this test cannot read", file)
		for _, m := range found {
			require.Contains(t, []string{"send::fees_apart | send::bounce_on_failure", "send::rest | send::bounce_on_failure"}, m[1], file)
			sends++
		}
		for _, m := range regexp.MustCompile(`raw_reserve\([^\n]*, (\d+)\)`).FindAllStringSubmatch(src, -1) {
			require.Equal(t, "0", m[1], "%s: reserves are exact", file)
		}
	}
	require.Greater(t, sends, 10)
}

// A dictionary that is changed by a dot instead of a tilde stays as it was.
func TestSources_DictionariesChangeByTilde(t *testing.T) {
	t.Parallel()
	stdlib := funcSources(t)["imports/stdlib.fc"]
	declared := regexp.MustCompile(` (~?)(udict_\w+\??)\(`).FindAllStringSubmatch(stdlib, -1)
	require.NotEmpty(t, declared)
	for _, m := range declared {
		changes := slices.ContainsFunc([]string{"set", "add", "replace", "delete"}, func(verb string) bool { return strings.Contains(m[2], "_"+verb) })
		require.Equal(t, changes, m[1] == "~", m[2])
	}
}

// Every handler reads its message to the end, so that nothing can hide behind it.
func TestSources_HandlersParseToTheEnd(t *testing.T) {
	t.Parallel()
	handlers := 0
	for _, f := range functions(t) {
		if !strings.HasPrefix(f.name, "on_") || f.name == "on_bounce" || f.name == "on_rest" || f.name == "on_income" {
			continue
		}
		handlers++
		require.Contains(t, f.body, "end_parse()", "%s: %s", f.file, f.name)
	}
	require.Greater(t, handlers, 35)
}
