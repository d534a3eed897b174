package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/internal/patch"
)

const patchExt = ".patch"

// A flawed design is a patch of our sources, and of the contract whose file it
// changes first. It is compiled as ours are, so that a change of the sources
// that it does not fit is noticed.
func (t *toolchain) flaws() ([]source, error) {
	if t.flawed == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(t.flawed, "*"+patchExt))
	if err != nil {
		return nil, err
	}
	var list []source
	for _, file := range files {
		p, err := readPatch(file)
		if err != nil {
			return nil, err
		}
		s := source{name: strings.TrimSuffix(filepath.Base(file), patchExt), lang: "func", file: p.Files[0].Name, into: t.flawed, patch: file}
		if filepath.Ext(s.file) == ".tact" {
			s.lang = "tact"
		}
		list = append(list, s)
	}
	return list, nil
}

func readPatch(file string) (patch.Patch, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return patch.Patch{}, err
	}
	p, err := patch.Parse(string(text))
	if err != nil {
		return p, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return p, nil
}

// title is what progress and errors call it.
func (s source) title() string {
	if s.patch != "" {
		return filepath.Base(s.patch)
	}
	return s.file
}

func (s source) artefact() string { return filepath.Join(s.into, s.name+".json") }

// compileFlawed compiles a patched copy of the sources.
func (t *toolchain) compileFlawed(ctx context.Context, s source) (contracts.Artifact, error) {
	p, err := readPatch(s.patch)
	if err != nil {
		return contracts.Artifact{}, err
	}
	changed, err := p.Apply(os.DirFS(t.dir))
	if err != nil {
		return contracts.Artifact{}, err
	}
	stage, err := os.MkdirTemp("", "flawed")
	if err != nil {
		return contracts.Artifact{}, err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	if err := copySources(stage, t.dir); err != nil {
		return contracts.Artifact{}, fmt.Errorf("copy the sources: %w", err)
	}
	for name, text := range changed {
		if err := os.WriteFile(filepath.Join(stage, filepath.FromSlash(name)), text, 0o644); err != nil {
			return contracts.Artifact{}, err
		}
	}
	staged := *t
	staged.dir, s.patch = stage, ""
	return staged.compileOne(ctx, s)
}
