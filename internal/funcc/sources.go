package funcc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
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
