package funcc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// sources answers the compiler's wish for files and remembers what it read.
type sources struct {
	fsys fs.FS
	read map[string][]byte
}

func newSources(fsys fs.FS) *sources {
	return &sources{fsys: fsys, read: map[string][]byte{}}
}

// realpath is the one name of a file, so that a file included along two ways
// is compiled once. The compiler has already joined the including directory.
func (s *sources) realpath(name string) (string, error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || strings.ContainsRune(name, '\\') {
		return "", fmt.Errorf("%s lies outside the source directory", name)
	}
	return clean, nil
}

func (s *sources) source(name string) (string, error) {
	name, err := s.realpath(name)
	if err != nil {
		return "", err
	}
	text, err := fs.ReadFile(s.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s does not exist", name)
	}
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("%s is not a text file in UTF-8", name)
	}
	s.read[name] = text
	return string(text), nil
}

// answer serves one call of the compiler's read callback.
func (s *sources) answer(kind, name string) (string, error) {
	switch kind {
	case "realpath":
		return s.realpath(name)
	case "source":
		return s.source(name)
	}
	return "", fmt.Errorf("the compiler asks for an unknown %q", kind)
}

// assemblyError is a refusal of the generated assembly, which nobody sees; it
// names the word the assembler stopped at.
var assemblyError = regexp.MustCompile(`(?m)^main\.fif:\d+:\s*(\S+?):`)

// hint tells where the word of an assembly error stands in the sources, as far
// as it does: a wrong instruction comes out of an asm "...".
func (s *sources) hint(message string) string {
	m := assemblyError.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	var hint strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.read)) {
		number := 0
		for line := range strings.Lines(string(s.read[name])) {
			words := strings.Fields(strings.ReplaceAll(line, `"`, " "))
			if number++; slices.Contains(words, m[1]) {
				fmt.Fprintf(&hint, "\n%s:%d: %s", name, number, strings.TrimSpace(line))
			}
		}
	}
	return hint.String()
}
