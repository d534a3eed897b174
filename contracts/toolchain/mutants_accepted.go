package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cocoon-network/cocoon/contracts/mutate"
)

const acceptedFile = "sandbox-tests/testdata/mutants.json"

// accepted is a mutant that no test can notice, and why. It is found by what it
// changes: lines move.
type accepted struct {
	File string `json:"file"`
	In   string `json:"in"`
	Was  string `json:"was"`
	Is   string `json:"is"`
	Why  string `json:"why"`
}

func (a accepted) is(m mutate.Mutant) bool {
	return a.File == m.File && a.In == m.In && a.Was == m.Was && a.Is == m.Is
}

func readAccepted(file string) (list []accepted, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return list, nil
}

func (m *mutants) reason(of mutate.Mutant) (why string, listed bool) {
	i := slices.IndexFunc(m.accepted, func(a accepted) bool { return a.is(of) })
	if i < 0 {
		return "", false
	}
	return m.accepted[i].Why, true
}
