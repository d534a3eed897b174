package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/cocoon-network/cocoon/contracts"
)

// verify compiles every contract again and compares it with its artefact. It
// changes nothing, and returns errDiffers where they are not the same.
func (t *toolchain) verify(ctx context.Context, out io.Writer) error {
	all, err := t.sources()
	if err != nil {
		return err
	}
	fresh, err := t.compile(ctx, all)
	if err != nil {
		return err
	}
	var told bytes.Buffer
	different := 0
	report := func(name string, faults []string) {
		if len(faults) == 0 {
			fmt.Fprintf(&told, "%s\tok\n", name)
			return
		}
		different++
		for _, fault := range faults {
			fmt.Fprintf(&told, "%s\t%s\n", name, fault)
		}
	}
	for _, b := range fresh {
		report(b.Name, b.compare())
	}
	stale, err := t.stale(all)
	if err != nil {
		return err
	}
	for _, file := range stale {
		report(nameOf(file), []string{"compiled, but its source is gone"})
	}
	err = finish(out, &told, map[string]int{"contracts": len(fresh), "different": different})
	if err == nil && different > 0 {
		err = errDiffers
	}
	return err
}

// compare lists in what the committed artefact differs from the fresh one.
func (b built) compare() []string {
	raw, err := os.ReadFile(b.artefact())
	if errors.Is(err, fs.ErrNotExist) {
		return []string{"not compiled yet"}
	}
	if err != nil {
		return []string{err.Error()}
	}
	committed, err := contracts.Parse(raw)
	if err != nil {
		return []string{err.Error()}
	}
	return differences(committed, b.Artifact)
}

func differences(committed, fresh contracts.Artifact) []string {
	var faults []string
	differ := func(what string, was, is any) {
		if was != is {
			faults = append(faults, fmt.Sprintf("%s is %v, the artefact says %v", what, is, was))
		}
	}
	differ("the name", committed.Name, fresh.Name)
	differ("the language", committed.Lang, fresh.Lang)
	differ("the compiler", committed.Compiler, fresh.Compiler)
	differ("the code hash", committed.CodeHash, fresh.CodeHash)
	for _, file := range slices.Sorted(maps.Keys(fresh.Sources)) {
		if was, known := committed.Sources[file]; !known {
			faults = append(faults, file+" is compiled into it now")
		} else if was != fresh.Sources[file] {
			faults = append(faults, file+" has changed")
		}
	}
	for _, file := range slices.Sorted(maps.Keys(committed.Sources)) {
		if _, still := fresh.Sources[file]; !still {
			faults = append(faults, file+" is no longer compiled into it")
		}
	}
	return faults
}
