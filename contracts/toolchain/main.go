// Command toolchain compiles the contracts and the flawed designs that the
// sandbox tests attack, and checks that what is committed in contracts/build and
// beside the flaws is what their sources compile to:
//
//	go run ./contracts/toolchain build [name ...]
//	go run ./contracts/toolchain verify
//	go run ./contracts/toolchain mutants [-n 200] [-seed 1] [-only id] [-parallel 2]
//
// The last makes mistakes in the sources and wants the sandbox tests to notice them.
// The compilers come from npm at the versions and digests of package-lock.json.
// Results go to stdout and end with a line of JSON, progress goes to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

const usage = "usage: go run ./contracts/toolchain build [name ...] | verify | mutants [-n 200] [-seed 1] [-only id] [-parallel 2]"

var (
	errUsage   = errors.New(usage)
	errDiffers = errors.New("what is committed is not what the sources compile to: run make contracts")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, names := args[0], args[1:]
	if verb != "build" && verb != "mutants" && (verb != "verify" || len(names) > 0) {
		return errUsage
	}
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := findContracts(wd)
	if err != nil {
		return err
	}
	t, err := open(ctx, dir, filepath.Join(dir, "toolchain"), log)
	if err != nil {
		return err
	}
	defer t.close(ctx)
	t.flawed = filepath.Join(dir, "..", "sandbox-tests", "testdata", "flawed")
	switch verb {
	case "build":
		return t.build(ctx, names, out)
	case "mutants":
		return t.mutants(ctx, names, out)
	}
	return t.verify(ctx, out)
}

// findContracts looks for contracts/ in dir and above.
func findContracts(dir string) (string, error) {
	for {
		found := filepath.Join(dir, "contracts")
		if _, err := os.Stat(filepath.Join(found, "toolchain", lockName)); err == nil {
			return found, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no contracts/toolchain here or above: run it inside the repository")
		}
		dir = up
	}
}
