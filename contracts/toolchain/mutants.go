package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/contracts/mutate"
)

// shared are the imports that hold code; the others hold figures and names,
// which tests of their own compare with the schema and with measurements.
var shared = []string{"imports/common.fc", "imports/fees.fc", "imports/tranches.fc"}

// mutants makes mistakes in the FunC sources and wants the sandbox suite to
// notice each.
type mutants struct {
	*toolchain
	files    fstest.MapFS                  // the FunC sources
	ours     map[string]contracts.Artifact // as they compile now, by name
	suite    suite
	accepted []accepted
	n        int
	seed     uint64
	only     string
	at       int // so many at a time
}

func (t *toolchain) mutants(ctx context.Context, args []string, out io.Writer) error {
	m := &mutants{toolchain: t, ours: map[string]contracts.Artifact{}}
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(t.log)
	flags.IntVar(&m.n, "n", 200, "how many; 0 means all")
	flags.Uint64Var(&m.seed, "seed", 1, "which ones")
	flags.StringVar(&m.only, "only", "", "those whose id contains this")
	flags.IntVar(&m.at, "parallel", 2, "how many at a time")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	defer m.suite.close()
	if err := m.control(ctx); err != nil {
		return err
	}
	chosen, err := m.choose(ctx)
	if err != nil {
		return err
	}
	verdicts, err := m.face(ctx, chosen)
	if err != nil {
		return err
	}
	return m.report(verdicts, out)
}

// prepare compiles the contracts as they are and builds the suite.
func (m *mutants) prepare(ctx context.Context) error {
	var err error
	if m.files, err = readFunC(m.dir); err != nil {
		return err
	}
	m.files[gasFile].Data = generous(m.files[gasFile].Data)
	if m.accepted, err = readAccepted(filepath.Join(m.dir, "..", acceptedFile)); err != nil {
		return err
	}
	if err := m.compileOurs(ctx); err != nil {
		return err
	}
	say(m.log, "building the suite")
	m.suite, err = buildSuite(ctx, filepath.Join(m.dir, ".."))
	return err
}

// control shows that it is mistakes that the suite notices: contracts that are
// others but for nothing they do must pass all of it.
func (m *mutants) control(ctx context.Context) error {
	say(m.log, "control: contracts that only look different")
	var all []contracts.Artifact
	for name := range m.ours {
		file := name + ".fc"
		changed, err := m.with(ctx, file, asksInAnotherOrder(string(m.files[file].Data)))
		if err != nil {
			return err
		}
		if len(changed) != 1 || m.grew(changed) {
			return fmt.Errorf("%s has no control: its router asks in no other order", name)
		}
		all = append(all, changed...)
	}
	by, said, err := m.suite.noticed(ctx, all, everything)
	if err != nil {
		return err
	}
	if by != "" {
		return fmt.Errorf("the suite refuses contracts that do what ours do, by %s: what it says of mutants means nothing\n%s", by, said)
	}
	return nil
}

// asksInAnotherOrder exchanges the questions of a router, each with the next.
func asksInAnotherOrder(text string) string {
	return regexp.MustCompile(`(?m)^(    if \(op == op::.*\n)(    if \(op == op::.*\n)`).ReplaceAllString(text, "$2$1")
}

// all are the mistakes that can be made in our contracts, in the order in which
// they are tried.
func (m *mutants) all() []mutate.Mutant {
	var all []mutate.Mutant
	for _, file := range slices.Sorted(maps.Keys(m.files)) {
		if path.Dir(file) == "." || slices.Contains(shared, file) {
			all = append(all, mutate.All(file, string(m.files[file].Data))...)
		}
	}
	all = slices.DeleteFunc(all, func(one mutate.Mutant) bool { return !strings.Contains(one.ID(), m.only) })
	return mutate.Shuffle(all, m.seed)
}
