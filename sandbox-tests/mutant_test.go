package sandboxtests

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"

	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon/contracts"
)

// With -mutant the suite is asked whether it would notice a mistake in a
// contract: `make mutants` builds it once and runs it for each. What differs by
// the mere fact that the code is another counts for nothing then, or every
// mutant would be noticed and the answer would say nothing: gas is not compared
// with what was measured of our code, nor with the constants, and mutants are
// compiled with a generous price of gas.
var mutant = flag.String("mutant", "", "a folder of artefacts that are tested in the place of ours")

// Exit codes of a run with -mutant; anything else but 0 is a test that failed too.
const (
	exitNoticed   = 10 // it says by which test
	exitNoMutants = 11 // nothing was tested
)

// takeMutants puts the artefacts in dir into the program's list of contracts, so
// that whatever is born in this process runs them from its first message on.
func takeMutants(dir string) error {
	mutants, err := contracts.ReadAll(os.DirFS(dir))
	if err != nil {
		return err
	}
	ours := contracts.All()
	for _, m := range mutants {
		i := slices.IndexFunc(ours, func(a contracts.Artifact) bool { return a.Name == m.Name })
		if i < 0 {
			return fmt.Errorf("there is no contract %s", m.Name)
		}
		ours[i] = m
		if loaded, err := contracts.Load(m.Name); err != nil || loaded.CodeHash != m.CodeHash {
			return errors.Join(err, fmt.Errorf("contract %s stayed as it is", m.Name))
		}
	}
	if len(mutants) == 0 {
		return errors.New("no artefacts")
	}
	return nil
}

// endWhenNoticed ends the whole run at the first test that fails: one is enough.
func endWhenNoticed(t rapid.TB) {
	t.Helper()
	ending, ok := t.(interface{ Cleanup(func()) })
	if *mutant == "" || !ok {
		return
	}
	ending.Cleanup(func() {
		if t.Failed() {
			fmt.Println("noticed by", t.Name())
			os.Exit(exitNoticed)
		}
	})
}

// generous is what the constants of gas are in mutants, as contracts/toolchain
// makes them: a few instructions more must not be what is noticed.
func generous(gas int64) int64 { return gas + gas/10 + 100 }
