// Package contracts carries the compiled contracts inside the program, so that
// nothing but Go is needed to deploy and to test them. The sources lie beside
// it; contracts/toolchain compiles them.
package contracts

import (
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

//go:embed build
var build embed.FS

// ErrUnknown says that no contract of that name is part of the program.
var ErrUnknown = errors.New("no such contract")

var embedded = sync.OnceValues(func() ([]Artifact, error) {
	files, err := fs.Sub(build, "build")
	if err != nil {
		return nil, err
	}
	return ReadAll(files)
})

// ReadAll reads every artefact of a build folder, ordered by name.
func ReadAll(files fs.FS) ([]Artifact, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	list := make([]Artifact, 0, len(names))
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		a, err := Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if want := strings.TrimSuffix(path.Base(name), ".json"); a.Name != want {
			return nil, fmt.Errorf("%s: it names contract %s", name, a.Name)
		}
		list = append(list, a)
	}
	return list, nil
}

// All returns the embedded contracts, ordered by name. It panics on a program
// built with a damaged artefact; the package's tests look at each.
func All() []Artifact {
	list, err := embedded()
	if err != nil {
		panic(fmt.Errorf("embedded contracts: %w; run make contracts and build again", err))
	}
	return list
}

// Load returns the contract of that name, or ErrUnknown.
func Load(name string) (Artifact, error) {
	list, err := embedded()
	if err != nil {
		return Artifact{}, fmt.Errorf("load contract %s: %w", name, err)
	}
	for _, a := range list {
		if a.Name == name {
			return a, nil
		}
	}
	return Artifact{}, fmt.Errorf("load contract %s: %w", name, ErrUnknown)
}

// Code is the code of a contract that the program cannot do without: it panics
// where Load returns an error.
func Code(name string) *cell.Cell {
	a, err := Load(name)
	if err != nil {
		panic(err)
	}
	return a.Code
}

// ByCodeHash finds the contract an account runs by the representation hash of
// its code.
func ByCodeHash(hash []byte) (Artifact, bool) {
	want := hex.EncodeToString(hash)
	for _, a := range All() {
		if a.CodeHash == want {
			return a, true
		}
	}
	return Artifact{}, false
}
