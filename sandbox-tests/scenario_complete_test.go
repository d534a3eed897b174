package sandboxtests

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// outdated tells where a scenario runs code that is none of our contracts'.
func (s *scenario) outdated() error {
	var inits []*tlb.StateInit
	for name, boc := range s.Accounts {
		init, err := initOf(boc)
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
		inits = append(inits, init)
	}
	for i, k := range s.Steps {
		m, err := messageOf(k.Message)
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if in, ok := m.Msg.(*tlb.InternalMessage); ok {
			inits = append(inits, in.StateInit)
		}
	}
	for _, init := range inits {
		if init == nil || init.Code == nil || isStandIn(init.Code) {
			continue
		}
		if _, ours := contracts.ByCodeHash(init.Code.Hash()); !ours {
			return fmt.Errorf("%s runs the code %x, which contracts/build does not hold: run make scenarios", s.Name, init.Code.Hash())
		}
	}
	return nil
}

// isStandIn tells the empty code, which an account has that stands for a contract.
func isStandIn(code *cell.Cell) bool { return code.BitsSize() == 0 && code.RefsNum() == 0 }

func messageOf(boc []byte) (m tlb.Message, err error) {
	c, err := cell.FromBOC(boc)
	if err == nil {
		err = tlb.Parse(&m, c)
	}
	return m, err
}

// initOf is the code and data of an account, nil where it has none.
func initOf(boc []byte) (*tlb.StateInit, error) {
	c, err := cell.FromBOC(boc)
	if err != nil {
		return nil, err
	}
	var shard tlb.ShardAccount
	if err = tlb.Parse(&shard, c); err != nil {
		return nil, err
	}
	var state tlb.AccountState
	if err = tlb.Parse(&state, shard.Account); err != nil || !state.IsValid {
		return nil, err
	}
	return state.StateInit, nil
}

func TestScenarios_RunTheContractsAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios(t) {
		require.NoError(t, s.outdated())
	}
}

func TestScenarios_HaveEveryRowOfTheMatrixAndEveryStory(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range scenarios(t) {
		names = append(names, s.Name)
	}
	for _, r := range everyRow() {
		require.Contains(t, names, fileName(string(r.kind), r.op), "run make scenarios")
	}
	for _, story := range stories {
		require.Contains(t, names, fileName(sentence(story.name)), "run make scenarios")
	}
}

func TestScenarios_CoverEveryOperation(t *testing.T) {
	t.Parallel()
	done := map[string]bool{} // by receiver and operation
	for _, s := range scenarios(t) {
		for kind, op := range s.succeeded(t) {
			done[kind+" "+op] = true
		}
	}
	for kind, declarations := range declared(t) {
		for _, d := range declarations {
			require.True(t, done[string(kind)+" "+d.Name], "no scenario has %s do %s", kind, d.Name)
		}
	}
}

// succeeded yields the operations that were done, with the contract that did
// each, as they come.
func (s *scenario) succeeded(t *testing.T) func(yield func(kind, op string) bool) {
	t.Helper()
	at := map[string]string{} // contracts by account
	learn := func(account string, init *tlb.StateInit) {
		if init == nil || init.Code == nil {
			return
		}
		if a, ours := contracts.ByCodeHash(init.Code.Hash()); ours {
			at[account] = a.Name
		}
	}
	for name, boc := range s.Accounts {
		init, err := initOf(boc)
		require.NoError(t, err)
		learn(name, init)
	}
	return func(yield func(kind, op string) bool) {
		for _, k := range s.Steps {
			m, err := messageOf(k.Message)
			require.NoError(t, err)
			if in, ok := m.Msg.(*tlb.InternalMessage); ok {
				learn(k.Account, in.StateInit)
				if in.Bounced {
					continue
				}
			}
			if k.Expect.Hash != "" && k.Expect.Exit == 0 && k.Expect.Action == 0 && !yield(at[k.Account], wrappers.OperationName(m.Msg.Payload())) {
				return
			}
		}
	}
}

var errorForm = regexp.MustCompile(`const (?:int error::(\w+)|ERROR_(\w+): Int) = (\w+);`)

func TestScenarios_CoverEveryErrorCode(t *testing.T) {
	t.Parallel()
	var met []int32
	for _, s := range scenarios(t) {
		for _, k := range s.Steps {
			met = append(met, k.Expect.Exit)
		}
	}
	for _, file := range []string{"../contracts/imports/errors.fc", "../contracts/registry.tact"} {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		forms := errorForm.FindAllStringSubmatch(string(src), -1)
		require.NotEmpty(t, forms)
		for _, f := range forms {
			code, err := strconv.ParseInt(f[3], 0, 32)
			require.NoError(t, err)
			require.True(t, slices.Contains(met, int32(code)), "no scenario ends in %s, %d", strings.ToLower(f[1]+f[2]), code)
		}
	}
}

func TestScenarios_ComeFromOutsideToo(t *testing.T) {
	t.Parallel()
	var taken, refused bool
	for _, s := range scenarios(t) {
		for _, k := range s.Steps {
			outside := strings.HasSuffix(k.Op, "from outside")
			taken = taken || outside && k.Expect.Hash != ""
			refused = refused || outside && k.Expect.Hash == ""
		}
	}
	require.True(t, taken && refused, "an external message is accepted, and one is not")
}

// Executors are known to differ where an action fails: scenarios/README.md.
func TestScenarios_FailInNoActionPhase(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios(t) {
		for i, k := range s.Steps {
			require.Zero(t, k.Expect.Action, "%s, step %d: %s", s.Name, i, k.Op)
		}
	}
}
