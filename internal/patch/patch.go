// Package patch changes texts as a unified diff says, and only where every hunk
// fits exactly once: line numbers are not needed, and a text that has moved on is
// noticed rather than guessed at.
package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Patch is a diff with what is said before it.
type Patch struct {
	Note  string // the lines above the first file, joined to one
	Files []File // in order; at least one
}

// File is what changes in one file.
type File struct {
	Name  string
	Hunks []Hunk // at least one
}

// Hunk is some whole lines, and what stands in their place.
type Hunk struct{ Old, New string }

// Parse reads a note, then for each file "--- name", and for each of its hunks
// "@@" and lines that begin with a space (kept), "-" (removed) or "+" (added).
func Parse(text string) (p Patch, err error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err = p.add(strings.TrimSuffix(line, "\n")); err != nil {
			return Patch{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p, p.validate()
}

// add goes on with one line.
func (p *Patch) add(line string) error {
	if name, ok := strings.CutPrefix(line, "--- "); ok {
		p.Files = append(p.Files, File{Name: name})
		return nil
	}
	if len(p.Files) == 0 {
		p.Note = strings.TrimSpace(p.Note + " " + strings.TrimSpace(line))
		return nil
	}
	f := &p.Files[len(p.Files)-1]
	if strings.HasPrefix(line, "@@") {
		f.Hunks = append(f.Hunks, Hunk{})
		return nil
	}
	if len(f.Hunks) == 0 {
		return errors.New("a change belongs below @@")
	}
	return f.Hunks[len(f.Hunks)-1].add(line)
}

func (h *Hunk) add(line string) error {
	if line == "" { // editors cut the space off
		line = " "
	}
	kept := line[1:] + "\n"
	switch line[0] {
	case ' ':
		h.Old, h.New = h.Old+kept, h.New+kept
	case '-':
		h.Old += kept
	case '+':
		h.New += kept
	default:
		return fmt.Errorf("%q begins with no space, - or +", line)
	}
	return nil
}

func (p Patch) validate() error {
	if len(p.Files) == 0 {
		return errors.New("it changes no file")
	}
	for _, f := range p.Files {
		if !fs.ValidPath(f.Name) {
			return fmt.Errorf("%q is no file's name", f.Name)
		}
		if len(f.Hunks) == 0 {
			return fmt.Errorf("it changes nothing in %s", f.Name)
		}
		for _, h := range f.Hunks {
			if h.Old == "" || h.Old == h.New {
				return fmt.Errorf("a hunk in %s stands nowhere or changes nothing", f.Name)
			}
		}
	}
	return nil
}

// Apply reads the files of p from fsys and returns them changed, by name.
func (p Patch) Apply(fsys fs.FS) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, f := range p.Files {
		text, again := changed[f.Name]
		if !again {
			var err error
			if text, err = fs.ReadFile(fsys, f.Name); err != nil {
				return nil, err
			}
		}
		after, err := f.apply(string(text))
		if err != nil {
			return nil, fmt.Errorf("change %s: %w", f.Name, err)
		}
		changed[f.Name] = []byte(after)
	}
	return changed, nil
}

func (f File) apply(text string) (string, error) {
	for i, h := range f.Hunks {
		before, after, found := cutLines(text, h.Old)
		if !found {
			return "", fmt.Errorf("hunk %d does not fit: the text has changed", i+1)
		}
		if _, _, twice := cutLines(after, h.Old); twice {
			return "", fmt.Errorf("hunk %d fits more than once", i+1)
		}
		text = before + h.New + after
	}
	return text, nil
}

// cutLines cuts around the first place where lines begin a line of text.
func cutLines(text, lines string) (before, after string, found bool) {
	before, after, found = strings.Cut("\n"+text, "\n"+lines)
	if !found {
		return text, "", false
	}
	return strings.TrimPrefix(before+"\n", "\n"), after, true
}
