package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Kind tells what a type is made of.
type Kind int

// The kinds. Named is a type that is declared, or left to whoever uses the schema.
const (
	Uint Kind = iota
	Int
	Bits
	Bool
	Coins
	Named
	Ref
	Maybe
	Dict
)

// Type is what a field holds.
type Type struct {
	Kind  Kind
	Width int    // bits of Uint, Int and Bits, and of the key of Dict
	Name  string // of Named
	Of    *Type  // of Ref, Maybe and Dict
}

var (
	widthForm = regexp.MustCompile(`^(uint|int|bits)([1-9][0-9]*)$`)
	dictForm  = regexp.MustCompile(`^\(HashmapE ([1-9][0-9]*) ([^ ]+)\)$`)
	maybeForm = regexp.MustCompile(`^\(Maybe ([^ ]+)\)$`)
	nameForm  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
)

// maxWidth is what a cell holds.
const maxWidth = 1023

func parseType(s string) (Type, error) {
	if m := widthForm.FindStringSubmatch(s); m != nil {
		return sized(map[string]Kind{"uint": Uint, "int": Int, "bits": Bits}[m[1]], m[2])
	}
	if m := dictForm.FindStringSubmatch(s); m != nil {
		t, err := sized(Dict, m[1])
		if err != nil {
			return Type{}, err
		}
		return t.of(m[2])
	}
	if m := maybeForm.FindStringSubmatch(s); m != nil {
		return Type{Kind: Maybe}.of(m[1])
	}
	if inner, ref := strings.CutPrefix(s, "^"); ref {
		return Type{Kind: Ref}.of(inner)
	}
	switch {
	case s == "Bool":
		return Type{Kind: Bool}, nil
	case s == "Coins":
		return Type{Kind: Coins}, nil
	case nameForm.MatchString(s):
		return Type{Kind: Named, Name: s}, nil
	}
	return Type{}, fmt.Errorf("unknown type %s", s)
}

func sized(kind Kind, digits string) (Type, error) {
	n, err := strconv.Atoi(digits)
	if err != nil || n > maxWidth {
		return Type{}, fmt.Errorf("no %s bits fit into a cell", digits)
	}
	return Type{Kind: kind, Width: n}, nil
}

func (t Type) of(s string) (Type, error) {
	inner, err := parseType(s)
	t.Of = &inner
	return t, err
}
