// Package schema reads the part of TL-B that fits on one line a constructor:
// fields of fixed width, Coins, references, Maybe and HashmapE. A comment
// directly above a line is its documentation.
package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Declaration is one constructor.
type Declaration struct {
	Name   string
	Tag    string // with its mark, as in "#7f0fb44f" or "$0"; "#_" and "$_" are empty
	Fields []Field
	Of     string   // the type it constructs
	Doc    []string // lines
	Text   string   // without tag and ";", which is what a tag is the checksum of
}

// Field is one field of a declaration.
type Field struct {
	Name string
	Is   string // its type as it is written
	Type Type
}

var (
	declarationForm = regexp.MustCompile(`^([a-z][a-z0-9_]*)(#[0-9a-f]+|\$[01]+|[#$]_)((?: [a-z][a-z0-9_]*:(?:\([^()]*\)|[^ ]+))*) = ([A-Za-z][A-Za-z0-9]*);$`)
	fieldForm       = regexp.MustCompile(` ([a-z0-9_]+):(\([^()]*\)|[^ ]+)`)
)

// Parse reads every line of src that is neither empty nor a comment.
func Parse(src string) ([]Declaration, error) {
	var all []Declaration
	var doc []string
	seen := map[string]bool{}
	for n, line := range strings.Split(src, "\n") {
		if text, comment := strings.CutPrefix(line, "//"); comment {
			doc = append(doc, strings.TrimSpace(text))
			continue
		}
		if line != "" {
			d, err := parseLine(line)
			if err == nil && seen[d.Name] {
				err = fmt.Errorf("%s is declared twice", d.Name)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			seen[d.Name] = true
			d.Doc = doc
			all = append(all, d)
		}
		doc = nil
	}
	return all, nil
}

func parseLine(line string) (Declaration, error) {
	m := declarationForm.FindStringSubmatch(line)
	if m == nil {
		return Declaration{}, fmt.Errorf("no declaration: %s", line)
	}
	d := Declaration{Name: m[1], Tag: m[2], Of: m[4], Text: m[1] + m[3] + " = " + m[4]}
	for _, f := range fieldForm.FindAllStringSubmatch(m[3], -1) {
		t, err := parseType(f[2])
		if err != nil {
			return Declaration{}, fmt.Errorf("%s of %s: %w", f[1], d.Name, err)
		}
		d.Fields = append(d.Fields, Field{f[1], f[2], t})
	}
	return d, nil
}

// TagBits are the tag's value and its width, which is 0 where it is empty.
func (d Declaration) TagBits() (value uint64, width int) {
	digits, base, each := d.Tag[1:], 16, 4
	if d.Tag[0] == '$' {
		base, each = 2, 1
	}
	if digits == "_" {
		return 0, 0
	}
	value, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, 0
	}
	return value, each * len(digits)
}

// Op is a tag of 32 bits.
func (d Declaration) Op() (op uint32, ok bool) {
	value, width := d.TagBits()
	return uint32(value), width == 32
}
