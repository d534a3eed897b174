package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func (t *toolchain) buildDir() string { return filepath.Join(t.dir, "build") }

func (t *toolchain) artefactDirs() []string {
	if t.flawed == "" {
		return []string{t.buildDir()}
	}
	return []string{t.buildDir(), t.flawed}
}

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
	for _, b := range done {
		wrote, err := b.write()
		if err != nil {
			return err
		}
		if wrote {
			changed++
		}
		fmt.Fprintf(&told, "%s\t%s\t%d cells\t%d bits\n", b.Name, b.CodeHash, b.Cells, b.Bits)
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
func (b built) write() (changed bool, err error) {
	raw, err := b.Encode()
	if err != nil {
		return false, err
	}
	file := b.artefact()
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, raw) {
		return false, nil
	}
	if err := os.MkdirAll(b.into, 0o755); err != nil {
		return false, err
	}
	if err := os.WriteFile(file+".new", raw, 0o644); err != nil {
		return false, errors.Join(err, os.Remove(file+".new"))
	}
	return true, os.Rename(file+".new", file)
}

func (t *toolchain) removeStale(all []source, told *bytes.Buffer) (removed int, err error) {
	stale, err := t.stale(all)
	for _, file := range stale {
		if err := os.Remove(file); err != nil {
			return removed, err
		}
		removed++
		fmt.Fprintf(told, "%s\tremoved, its source is gone\n", nameOf(file))
	}
	return removed, err
}

// stale lists the artefacts that no source stands behind.
func (t *toolchain) stale(all []source) (files []string, err error) {
	for _, dir := range t.artefactDirs() {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if !slices.ContainsFunc(all, func(s source) bool { return s.artefact() == file }) {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

func nameOf(artefact string) string { return strings.TrimSuffix(filepath.Base(artefact), ".json") }
