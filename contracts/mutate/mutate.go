// Package mutate makes small mistakes in FunC sources, one at a time, so that it
// can be seen whether the tests of the contracts would notice them. It knows the
// words of our contracts, and neither compiles nor runs anything.
package mutate

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Mutant is a source with one mistake in it.
type Mutant struct {
	File     string // by its path under contracts/
	Line     int    // from 1
	In       string // the function, or the constant
	Operator string // the kind of mistake
	Nth      int    // among those of its kind on its line, from 1
	Was, Is  string // the lines that it changes, trimmed
	Text     string // the file with the mistake
}

// ID names m until lines move.
func (m Mutant) ID() string {
	id := fmt.Sprintf("%s:%d:%s", m.File, m.Line, m.Operator)
	if m.Nth > 1 {
		id += fmt.Sprintf(":%d", m.Nth)
	}
	return id
}

// Diff shows the mistake.
func (m Mutant) Diff() string {
	return fmt.Sprintf("--- %s %s\n-%s\n+%s\n", m.File, m.In, strings.ReplaceAll(m.Was, "\n", "\n-"), strings.ReplaceAll(m.Is, "\n", "\n+"))
}

// edit puts with into the place of text[from:to].
type edit struct {
	from, to int
	with     string
}

// All are the mistakes that can be made in a file, in the order of its lines.
func All(file, text string) []Mutant {
	s := source{file: file, text: text, code: mask(text)}
	s.heads = headsOf(s.code)
	var all []Mutant
	for _, o := range operators {
		nth := map[int]int{}
		for _, e := range o.edits(s) {
			m := s.mutant(e)
			nth[m.Line]++
			m.Operator, m.Nth = o.name, nth[m.Line]
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Mutant) int { return cmp.Compare(a.Line, b.Line) })
	return all
}

// source is a file, and the same with blanks for comments and strings.
type source struct {
	file, text, code string
	heads            []head
}

func (s source) mutant(e edit) Mutant {
	start := strings.LastIndexByte(s.text[:e.from], '\n') + 1
	end := len(s.text)
	if n := strings.IndexByte(s.text[e.to:], '\n'); n >= 0 {
		end = e.to + n
	}
	return Mutant{
		File: s.file, Line: strings.Count(s.text[:e.from], "\n") + 1, In: s.around(e.from).name,
		Was:  strings.TrimSpace(s.text[start:end]),
		Is:   strings.TrimSpace(s.text[start:e.from] + e.with + s.text[e.to:end]),
		Text: s.text[:e.from] + e.with + s.text[e.to:],
	}
}

var (
	function = regexp.MustCompile(`(?m)^[^\s;#}].*?([\w?~]+)\(.*\{`)
	constant = regexp.MustCompile(`(?m)^const int ([\w:]+) =`)
)

// head is where a function or a constant begins.
type head struct {
	at   int
	name string
}

func headsOf(code string) (heads []head) {
	for _, form := range []*regexp.Regexp{function, constant} {
		for _, m := range form.FindAllStringSubmatchIndex(code, -1) {
			heads = append(heads, head{m[0], code[m[2]:m[3]]})
		}
	}
	slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(a.at, b.at) })
	return heads
}

// around is the head above at; before the first, there is none.
func (s source) around(at int) (h head) {
	for _, next := range s.heads {
		if next.at > at {
			break
		}
		h = next
	}
	return h
}

// mask blanks comments and strings; what is left stands where it stood.
func mask(text string) string {
	b := []byte(text)
	for _, m := range regexp.MustCompile(`;;[^\n]*|"[^"\n]*"`).FindAllStringIndex(text, -1) {
		for i := m[0]; i < m[1]; i++ {
			b[i] = ' '
		}
	}
	return string(b)
}
