package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/contracts/mutate"
)

// A list that outlives its mutants would excuse what nobody has looked at.
func TestMutants_EveryAcceptedOneIsStillMade(t *testing.T) {
	t.Parallel()
	list, err := readAccepted(filepath.Join("..", "..", filepath.FromSlash(acceptedFile)))
	require.NoError(t, err)
	files, err := readFunC("..")
	require.NoError(t, err)
	m := &mutants{files: files, seed: 1}
	made := map[accepted]bool{}
	for _, one := range m.all() {
		made[accepted{File: one.File, In: one.In, Was: one.Was, Is: one.Is}] = true
	}
	for _, a := range list {
		require.NotEmpty(t, a.Why, "%s %s: %s", a.File, a.In, a.Is)
		a.Why = ""
		require.True(t, made[a], "nobody makes %s %s: %s", a.File, a.In, a.Is)
	}
}

func TestMutants_ReportSaysWhatSurvivedAndWhy(t *testing.T) {
	t.Parallel()
	made := mutate.All("a.fc", "int f(int a) {\n    return a > 1;\n}\n")
	require.Len(t, made, 3)
	same := accepted{File: "a.fc", In: "f", Was: made[0].Was, Is: made[0].Is, Why: "a is never 1"}
	for name, c := range map[string]struct {
		noticed  int // the first so many
		accepted []accepted
		want     []string
		err      error
	}{
		"all noticed":         {3, nil, []string{`{"mutants":3,"killed":3,"score":100}`}, nil},
		"one survived":        {2, nil, []string{made[2].ID() + " survived\n" + made[2].Diff(), `{"mutants":3,"killed":2,"score":66.6}`}, errSurvived},
		"one cannot":          {0, []accepted{same}, []string{"survived, as listed: a is never 1", `"killed":0`}, errSurvived},
		"listed, yet noticed": {3, []accepted{same}, []string{"is noticed by TestF: it is listed for nothing", `"killed":3`}, errSurvived},
	} {
		m := &mutants{accepted: c.accepted}
		verdicts := make([]verdict, len(made))
		for i := range made {
			verdicts[i].Mutant = made[i]
			if i < c.noticed {
				verdicts[i].by = "TestF"
			}
		}
		var out bytes.Buffer
		require.ErrorIs(t, m.report(verdicts, &out), c.err, name)
		for _, want := range c.want {
			require.Contains(t, out.String(), want, name)
		}
	}
}

func TestMutants_NameTheTestThatNoticed(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TestA/b", culprit([]byte("--- FAIL: TestB (0s)\nnoticed by TestA/b\n")))
	require.Equal(t, "TestB/c", culprit([]byte("    --- FAIL: TestB/c (0s)\n--- FAIL: TestB (0s)\n")))
	require.Equal(t, "a panic", culprit([]byte("panic: index out of range\n")))
}

func TestMutants_PayGenerouslyForGasAndForNothingElse(t *testing.T) {
	t.Parallel()
	text := "const int gas::settle = 1000; ;; 1000, TestX\nconst int bits::job = 1000;\n"
	require.Equal(t, "const int gas::settle = 1200; ;; 1000, TestX\nconst int bits::job = 1000;\n", string(generous([]byte(text))))
}

// The control is another code that does the same, and a mutant's comes to the
// suite only where it is another.
func TestMutants_CompileToSomethingElse(t *testing.T) {
	t.Parallel()
	w := workshop(t)
	w.dir = ".."
	m := &mutants{toolchain: w, ours: map[string]contracts.Artifact{}}
	var err error
	m.files, err = readFunC(w.dir)
	require.NoError(t, err)
	for _, name := range []string{"channel.fc", "epoch.fc", "provider.fc"} {
		delete(m.files, name)
	}
	require.NoError(t, m.compileOurs(t.Context()))
	require.Len(t, m.ours, 2)
	text := string(m.files["job.fc"].Data)
	changed, err := m.with(t.Context(), "job.fc", text+"\n;; nothing\n")
	require.NoError(t, err)
	require.Empty(t, changed)
	changed, err = m.with(t.Context(), "job.fc", asksInAnotherOrder(text))
	require.NoError(t, err)
	require.Len(t, changed, 1)
	require.False(t, m.grew(changed))
	changed, err = m.with(t.Context(), "imports/tranches.fc", string(m.files["imports/tranches.fc"].Data)+"\nint one() method_id { return 1; }\n")
	require.NoError(t, err)
	require.Len(t, changed, 1, "rewards includes it, job does not")
	_, err = m.with(t.Context(), "job.fc", text+"\nint f() { return nothing; }\n")
	require.Error(t, err)
}

func TestMutants_RefusesArguments(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, (&toolchain{log: io.Discard}).mutants(t.Context(), []string{"job"}, io.Discard), errUsage)
	require.ErrorIs(t, (&toolchain{log: io.Discard}).mutants(t.Context(), []string{"-seed", "x"}, io.Discard), errUsage)
}
