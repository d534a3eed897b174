package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon/contracts"
)

func (t *toolchain) buildDir() string { return filepath.Join(t.dir, "build") }

// build compiles the named contracts, or all, and only then writes their
// artefacts. Building all also removes artefacts whose source is gone.
func (t *toolchain) build(ctx context.Context, names []string, out io.Writer) error {
	all, err := t.sources()
	if err != nil {
		return err
	}
	list, err := choose(all, names)
	if err != nil {
		return err
	}
	done, err := t.compile(ctx, list)
	if err != nil {
		return err
	}
	var told bytes.Buffer
	changed, removed := 0, 0
	for _, a := range done {
		wrote, err := t.write(a)
		if err != nil {
			return err
		}
		if wrote {
			changed++
		}
		fmt.Fprintf(&told, "%s\t%s\t%d cells\t%d bits\n", a.Name, a.CodeHash, a.Cells, a.Bits)
	}
	if len(names) == 0 {
		if removed, err = t.removeStale(all, &told); err != nil {
			return err
		}
	}
	return finish(out, &told, map[string]int{"contracts": len(done), "changed": changed, "removed": removed})
}

// finish prints what there was to tell, then the figures as one line of JSON.
func finish(out io.Writer, told *bytes.Buffer, figures map[string]int) error {
	if err := json.NewEncoder(told).Encode(figures); err != nil {
		return err
	}
	_, err := told.WriteTo(out)
	return err
}

// write replaces the artefact in one step, and leaves an equal one alone.
func (t *toolchain) write(a contracts.Artifact) (changed bool, err error) {
	raw, err := a.Encode()
	if err != nil {
		return false, err
	}
	file := filepath.Join(t.buildDir(), a.Name+".json")
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, raw) {
		return false, nil
	}
	if err := os.MkdirAll(t.buildDir(), 0o755); err != nil {
		return false, err
	}
	if err := os.WriteFile(file+".new", raw, 0o644); err != nil {
		return false, errors.Join(err, os.Remove(file+".new"))
	}
	return true, os.Rename(file+".new", file)
}

func (t *toolchain) removeStale(all []source, told *bytes.Buffer) (removed int, err error) {
	stale, err := t.stale(all)
	for _, name := range stale {
		if err := os.Remove(filepath.Join(t.buildDir(), name+".json")); err != nil {
			return removed, err
		}
		removed++
		fmt.Fprintf(told, "%s\tremoved, its source is gone\n", name)
	}
	return removed, err
}

// stale names the artefacts that no source stands behind.
func (t *toolchain) stale(all []source) ([]string, error) {
	files, err := fs.Glob(os.DirFS(t.buildDir()), "*.json")
	var names []string
	for _, f := range files {
		name := strings.TrimSuffix(f, ".json")
		if !slices.ContainsFunc(all, func(s source) bool { return s.name == name }) {
			names = append(names, name)
		}
	}
	return names, err
}
