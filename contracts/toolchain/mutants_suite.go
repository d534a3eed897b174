package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cocoon-network/cocoon/contracts"
)

// suite is the test program of sandbox-tests, built once: a mutant's code comes
// to it as a folder of artefacts.
type suite struct{ program, dir, work string }

// selection is which tests are asked, as go test takes it.
type selection struct{ run, skip string }

// unfit are tests that would fail for another reason than a mistake: those of
// documents and of recorded scenarios, those that measure gas, and those that play a flawed design against ours, since
// the designs were compiled with the true prices of gas. The searches of
// adversaries are left out for their time.
const unfit = `^(TestFlaws?_|TestDocs_|TestAdversaries_|TestProperties_FindFlaws$|TestScenarios_|Test\w*Gas_)`

var everything = selection{".", unfit}

// testsOf are those named after the contracts, and their rows of the matrix.
// Whole histories are left to everything, being slow.
func testsOf(changed []contracts.Artifact) selection {
	var forms []string
	for _, a := range changed {
		forms = append(forms, fmt.Sprintf("^Test%s_", named(a.Name)), fmt.Sprintf("^TestMatrix$/^%s$", a.Name))
	}
	return selection{strings.Join(forms, "|"), unfit + "|AnyHistory"}
}

// named is a contract's name as it stands in those of its tests.
func named(contract string) string { return strings.ToUpper(contract[:1]) + contract[1:] }

const (
	exitNoticed = 10 // a test said so, and the run ended there
	exitFailed  = 1
	exitPanic   = 2
)

var (
	noticedBy = regexp.MustCompile(`(?m)^noticed by (\S+)`)
	failedOne = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	timedOut  = []byte("panic: test timed out")
)

func buildSuite(ctx context.Context, root string) (suite, error) {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return suite{}, err
	}
	s := suite{program: filepath.Join(work, "suite"), dir: filepath.Join(root, "sandbox-tests"), work: work}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", s.program, ".")
	build.Dir = s.dir
	if said, err := build.CombinedOutput(); err != nil {
		s.close()
		return suite{}, fmt.Errorf("build the suite: %w\n%s", err, said)
	}
	return s, nil
}

func (s suite) close() { _ = os.RemoveAll(s.work) }

// noticed runs the selected tests against the artefacts and returns one that
// failed, "" where none did, and what was said. A run that takes too long has
// noticed nothing.
func (s suite) noticed(ctx context.Context, list []contracts.Artifact, chosen selection) (by, said string, err error) {
	dir, err := os.MkdirTemp(s.work, "artefacts")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, a := range list {
		if _, err := (built{source{name: a.Name, into: dir}, a}).write(); err != nil {
			return "", "", err
		}
	}
	cmd := exec.CommandContext(ctx, s.program, "-test.v", "-mutant", dir, "-test.run", chosen.run, "-test.skip", chosen.skip, "-test.timeout", "5m")
	cmd.Dir = s.dir
	output, err := cmd.CombinedOutput()
	failed, ran := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil || bytes.Contains(output, timedOut):
		return "", "", nil
	case !ran:
		return "", "", err
	}
	switch failed.ExitCode() {
	case exitNoticed, exitFailed, exitPanic:
		return culprit(output), string(output), nil
	}
	return "", "", fmt.Errorf("run the suite: %w\n%s", err, output)
}

// culprit is the test that failed; where it took the whole run with it, there is none to name.
func culprit(said []byte) string {
	for _, form := range []*regexp.Regexp{noticedBy, failedOne} {
		if m := form.FindSubmatch(said); m != nil {
			return string(m[1])
		}
	}
	return "a panic"
}
