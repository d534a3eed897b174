package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cocoon-network/cocoon/contracts"
)

// lockfile is what of npm's package-lock.json matters: which packages at which
// digests.
type lockfile struct {
	Packages map[string]lockedPackage `json:"packages"` // by path, "node_modules/..."; "" is our own
}

type lockedPackage struct {
	Version   string `json:"version"`
	Integrity string `json:"integrity"`
	Optional  bool   `json:"optional"`
}

const (
	lockName = "package-lock.json"
	modules  = "node_modules"
	// npm writes what it has installed into this file, in the lock's format.
	installedName = ".package-lock.json"
)

func parseLock(raw []byte) (lockfile, error) {
	var l lockfile
	if err := json.Unmarshal(raw, &l); err != nil {
		return lockfile{}, fmt.Errorf("decode it: %w", err)
	}
	for name, p := range l.Packages {
		if name != "" && (p.Version == "" || p.Integrity == "") {
			return lockfile{}, fmt.Errorf("%s has no version or no integrity in it", name)
		}
	}
	return l, nil
}

func readLock(file string) (lockfile, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return lockfile{}, err
	}
	l, err := parseLock(raw)
	if err != nil {
		return lockfile{}, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return l, nil
}

// compiler is the locked package as an artefact names it.
func (l lockfile) compiler(name string) (contracts.Compiler, error) {
	p, found := l.Packages[modules+"/"+name]
	if !found {
		return contracts.Compiler{}, fmt.Errorf("%s does not name %s", lockName, name)
	}
	return contracts.Compiler{Package: name, Version: p.Version, Integrity: p.Integrity}, nil
}

// satisfiedBy tells whether everything this lock asks for is in installed.
func (l lockfile) satisfiedBy(installed lockfile) bool {
	for name, want := range l.Packages {
		have, found := installed.Packages[name]
		if name == "" || (!found && want.Optional) {
			continue
		}
		if !found || have.Version != want.Version || have.Integrity != want.Integrity {
			return false
		}
	}
	return true
}

// install lets npm fetch the locked packages into dir, unless they are there.
// npm checks their digests.
func (l lockfile) install(ctx context.Context, dir string, log io.Writer) error {
	installed, err := readLock(filepath.Join(dir, modules, installedName))
	if err == nil && l.satisfiedBy(installed) {
		return nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("compiling contracts needs npm; using them does not")
	}
	say(log, "fetching the compilers with npm ci")
	cmd := exec.CommandContext(ctx, npm, "ci")
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch the compilers: npm ci: %w\n%s", err, bytes.TrimSpace(said))
	}
	return nil
}
