package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon/contracts"
)

const (
	tactOutput = "out"
	// tactPrelude is the FunC library, inside Tact's package, that the FunC it
	// generates builds upon.
	tactPrelude = "dist/stdlib/stdlib/std/stdlib.fc"
)

// compileTact runs Tact in a copy of the sources, since it writes beside them
// and prints the paths it was started with.
func (t *toolchain) compileTact(ctx context.Context, s source) (contracts.Artifact, error) {
	by, err := t.lock.compiler(tactPackage)
	if err != nil {
		return contracts.Artifact{}, err
	}
	stage, err := os.MkdirTemp("", "contract")
	if err != nil {
		return contracts.Artifact{}, err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	if err := copySources(stage, t.dir); err != nil {
		return contracts.Artifact{}, fmt.Errorf("copy the sources: %w", err)
	}
	if err := t.runTact(ctx, stage, s); err != nil {
		return contracts.Artifact{}, err
	}
	out := filepath.Join(stage, tactOutput)
	pkg, file, err := readTactPkg(os.DirFS(out))
	if err != nil {
		return contracts.Artifact{}, err
	}
	a, err := contracts.NewArtifact(s.name, s.lang, by, digests(pkg.Sources), pkg.Code)
	if err != nil {
		return contracts.Artifact{}, err
	}
	return a, t.crossCheck(ctx, out, strings.TrimSuffix(file, ".pkg")+".fc", a.CodeHash)
}

// copySources copies every FunC and Tact file that a contract may import.
func copySources(to, from string) error {
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"build", "toolchain", modules}, d.Name()) {
			return fs.SkipDir
		}
		if !slices.Contains([]string{".fc", ".func", ".tact"}, path.Ext(d.Name())) || !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
}

// runTact compiles without the debug and external-message code that Tact adds
// when it is left to its defaults.
func (t *toolchain) runTact(ctx context.Context, stage string, s source) error {
	node, err := exec.LookPath("node")
	if err != nil {
		return errors.New("compiling Tact needs node; using its contracts does not")
	}
	config, err := json.Marshal(map[string]any{"projects": []any{map[string]any{
		"name": s.name, "path": "./" + s.file, "output": "./" + tactOutput, "mode": "full",
		"options": map[string]any{
			"debug": false, "external": false,
			"safety": map[string]any{"nullChecks": true},
		},
	}}})
	if err != nil {
		return err
	}
	const configName = "tact.config.json"
	if err := os.WriteFile(filepath.Join(stage, configName), config, 0o644); err != nil {
		return err
	}
	script := filepath.Join(t.modules, filepath.FromSlash(tactPackage), "bin", "tact.js")
	cmd := exec.CommandContext(ctx, node, script, "--config", configName, "--quiet")
	cmd.Dir = stage
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s\ntact: %w", tactMessage(said), err)
	}
	return nil
}

// tactMessage cuts the compiler's message free from the talk around it and from
// the stack of the compiler itself.
func tactMessage(said []byte) string {
	var keep []string
	for line := range bytes.Lines(said) {
		text := strings.TrimRight(string(line), " \r\n")
		if strings.HasPrefix(text, "    at ") || text == "Tact compilation failed" {
			continue
		}
		keep = append(keep, strings.TrimPrefix(text, "Error: "))
	}
	return strings.TrimSpace(strings.Join(keep, "\n"))
}

// crossCheck compiles the FunC that Tact went through with our own driver: two
// builds of the back end have to agree on the code.
func (t *toolchain) crossCheck(ctx context.Context, out string, file, want string) error {
	prelude, err := os.ReadFile(filepath.Join(t.modules, filepath.FromSlash(tactPackage), filepath.FromSlash(tactPrelude)))
	if err != nil {
		return err
	}
	const preludeName = "prelude.fc"
	if err := os.WriteFile(filepath.Join(out, preludeName), prelude, 0o644); err != nil {
		return err
	}
	res, err := t.funcc.Compile(ctx, os.DirFS(out), preludeName, file)
	if err != nil {
		return fmt.Errorf("compile the FunC that Tact made: %w", err)
	}
	if got := hex.EncodeToString(res.Code.Hash()); got != want {
		return fmt.Errorf("tact made code %s, its FunC compiles to %s", want, got)
	}
	return nil
}
