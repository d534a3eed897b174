package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// tactPkg is the part of Tact's .pkg file that an artefact needs.
type tactPkg struct {
	Name    string            `json:"name"`
	Code    []byte            `json:"code"`
	Sources map[string][]byte `json:"sources"`
}

// readTactPkg reads the one package in out and returns its file name.
func readTactPkg(out fs.FS) (tactPkg, string, error) {
	files, err := fs.Glob(out, "*.pkg")
	if err != nil {
		return tactPkg{}, "", err
	}
	if len(files) != 1 {
		return tactPkg{}, "", fmt.Errorf("the file holds %d contracts, it should hold one", len(files))
	}
	raw, err := fs.ReadFile(out, files[0])
	if err != nil {
		return tactPkg{}, "", err
	}
	pkg, err := parseTactPkg(raw)
	return pkg, files[0], err
}

func parseTactPkg(raw []byte) (tactPkg, error) {
	var pkg tactPkg
	if err := json.Unmarshal(raw, &pkg); err != nil {
		return tactPkg{}, fmt.Errorf("decode Tact's package: %w", err)
	}
	if len(pkg.Code) == 0 || len(pkg.Sources) == 0 {
		return tactPkg{}, fmt.Errorf("tact's package of %q has no code or no sources", pkg.Name)
	}
	for name := range pkg.Sources {
		if !fs.ValidPath(name) {
			return tactPkg{}, fmt.Errorf("tact's package of %q has a source outside the folder: %q", pkg.Name, name)
		}
	}
	return pkg, nil
}
