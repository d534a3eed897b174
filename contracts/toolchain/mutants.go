package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
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
	"github.com/cocoon-network/cocoon/contracts/mutate"
)

// shared are the imports that hold code; the others hold figures and names,
// which tests of their own compare with the schema and with measurements.
var shared = []string{"imports/common.fc", "imports/fees.fc", "imports/tranches.fc"}

var errSurvived = errors.New("mutants survived that no list explains")

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

// asksInAnotherOrder exchanges the first two questions of a flat router.
func asksInAnotherOrder(text string) string {
	return regexp.MustCompile(`(?m)^(    if \(op == op::.*\n)(    if \(op == op::.*\n)`).ReplaceAllString(text, "$2$1")
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

// report prints what survived and why that is, then the figures.
func (m *mutants) report(verdicts []verdict, out io.Writer) error {
	killed, unexplained := 0, 0
	for _, v := range verdicts {
		why, listed := m.reason(v.Mutant)
		switch {
		case v.by != "" && listed:
			unexplained++
			fmt.Fprintf(out, "%s is noticed by %s: it is listed for nothing\n", v.ID(), v.by)
			killed++
		case v.by != "":
			killed++
		case listed:
			fmt.Fprintf(out, "%s survived, as listed: %s\n%s", v.ID(), why, v.Diff())
		default:
			unexplained++
			fmt.Fprintf(out, "%s survived\n%s", v.ID(), v.Diff())
		}
	}
	score := 0.0
	if len(verdicts) > 0 {
		score = float64(1000*killed/len(verdicts)) / 10
	}
	figures := struct {
		Mutants int     `json:"mutants"`
		Killed  int     `json:"killed"`
		Score   float64 `json:"score"` // per cent, rounded down
	}{len(verdicts), killed, score}
	if err := json.NewEncoder(out).Encode(figures); err != nil {
		return err
	}
	if unexplained > 0 {
		return errSurvived
	}
	return nil
}

// named is a contract's name as it stands in those of its tests.
func named(contract string) string { return strings.ToUpper(contract[:1]) + contract[1:] }
