package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/cocoon-network/cocoon/contracts"
)

// compileOurs compiles what every mutant is compared with.
func (m *mutants) compileOurs(ctx context.Context) error {
	by, err := m.lock.compiler(funcPackage)
	if err != nil {
		return err
	}
	for file := range m.files {
		if path.Dir(file) != "." {
			continue
		}
		out, err := m.funcc.Compile(ctx, m.files, file)
		if err != nil {
			return fmt.Errorf("compile %s: %w", file, err)
		}
		name := strings.TrimSuffix(file, ".fc")
		if m.ours[name], err = contracts.NewArtifact(name, "func", by, digests(out.Sources), out.BoC); err != nil {
			return err
		}
	}
	return nil
}

const gasFile = "imports/gas.fc"

var gasConstant = regexp.MustCompile(`const int gas::\w+ = (\d+);`)

// generous makes every price of gas a tenth and something more: a mistake that
// takes a few instructions longer is to be noticed by what it does.
func generous(text []byte) []byte {
	return gasConstant.ReplaceAllFunc(text, func(line []byte) []byte {
		figure := gasConstant.FindSubmatch(line)[1]
		n, _ := strconv.Atoi(string(figure)) // digits
		return bytes.Replace(line, append(figure, ';'), fmt.Appendf(nil, "%d;", n+n/10+100), 1)
	})
}

// readFunC reads every FunC source under dir.
func readFunC(dir string) (fstest.MapFS, error) {
	files := fstest.MapFS{}
	for _, pattern := range []string{"*.fc", "imports/*.fc"} {
		found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			files[path.Join(path.Dir(pattern), filepath.Base(file))] = &fstest.MapFile{Data: text}
		}
	}
	return files, nil
}

// with compiles the contracts that include file, with text in its place, and
// returns those that became others. Sources that do not compile give an error.
func (m *mutants) with(ctx context.Context, file, text string) ([]contracts.Artifact, error) {
	files := maps.Clone(m.files)
	files[file] = &fstest.MapFile{Data: []byte(text)}
	var changed []contracts.Artifact
	for _, name := range slices.Sorted(maps.Keys(m.ours)) {
		ours := m.ours[name]
		if _, uses := ours.Sources[file]; !uses {
			continue
		}
		out, err := m.funcc.Compile(ctx, files, name+".fc")
		if err != nil {
			return nil, err
		}
		if hex.EncodeToString(out.Code.Hash()) == ours.CodeHash {
			continue
		}
		a, err := contracts.NewArtifact(name, ours.Lang, ours.Compiler, digests(out.Sources), out.BoC)
		if err != nil {
			return nil, err
		}
		changed = append(changed, a)
	}
	return changed, nil
}

// among puts what changed among ours: those that did not are tested at generous
// prices as well.
func (m *mutants) among(changed []contracts.Artifact) []contracts.Artifact {
	all := maps.Clone(m.ours)
	for _, a := range changed {
		all[a.Name] = a
	}
	return slices.Collect(maps.Values(all))
}

// grew tells whether any of the contracts has more cells than ours. Rewards
// takes an epoch's code up to its size, so that a larger one would be noticed
// whatever it does.
func (m *mutants) grew(changed []contracts.Artifact) bool {
	return slices.ContainsFunc(changed, func(a contracts.Artifact) bool { return a.Cells > m.ours[a.Name].Cells })
}
