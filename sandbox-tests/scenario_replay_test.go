package sandboxtests

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// outcome is what an executor made of a step.
type outcome struct {
	tx      *cell.Cell // nil where the message was not accepted
	refused int32      // then the exit code
	account *cell.Cell // the ShardAccount that it left
}

// executor runs a step on a ShardAccount.
type executor func(account *cell.Cell, s *scenarioStep) (outcome, error)

// replay runs a scenario and tells the first step that went otherwise than it says.
func replay(s *scenario, run executor) error {
	accounts := map[string]*cell.Cell{}
	for name, boc := range s.Accounts {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
		accounts[name] = c
	}
	for i := range s.Steps {
		if err := replayStep(accounts, &s.Steps[i], run); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, s.Steps[i].Op, err)
		}
	}
	return nil
}

func replayStep(accounts map[string]*cell.Cell, s *scenarioStep, run executor) error {
	account := accounts[s.Account]
	if account == nil {
		var err error
		if account, err = tlb.ToCell(noAccount()); err != nil {
			return err
		}
	}
	o, err := run(account, s)
	if err != nil {
		return err
	}
	got := expected{Exit: o.refused}
	if o.tx != nil {
		if got, err = expectedOf(o.tx); err != nil {
			return err
		}
		accounts[s.Account] = o.account
	}
	if !slices.Equal(got.Out, s.Expect.Out) || got.String() != s.Expect.String() {
		return fmt.Errorf("got %s, expected %s", got, s.Expect)
	}
	return nil
}

func (e expected) String() string {
	if e.Hash == "" {
		return fmt.Sprintf("not accepted, exit %d", e.Exit)
	}
	return fmt.Sprintf("transaction %s, exit %d, action %d, gas %d, messages %s", e.Hash, e.Exit, e.Action, e.Gas, strings.Join(e.Out, " "))
}

// load reads the config and checks that it is the one that is meant.
func (f configFile) load() (*cell.Cell, error) {
	text, err := os.ReadFile(filepath.Join(scenarioDir, f.File))
	if err != nil {
		return nil, err
	}
	boc, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.File, err)
	}
	c, err := cell.FromBOC(boc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.File, err)
	}
	if hex.EncodeToString(c.Hash()) != f.Hash {
		return nil, fmt.Errorf("%s: it is not the config %s", f.File, f.Hash)
	}
	return c, nil
}

// goExecutor is tonutils-go's.
func goExecutor(f configFile) (executor, error) {
	root, err := f.load()
	if err != nil {
		return nil, err
	}
	config, err := tvm.PrepareBlockchainConfig(root)
	if err != nil {
		return nil, err
	}
	if config.GlobalVersion() != f.GlobalVersion {
		return nil, fmt.Errorf("%s has global_version %d, not %d", f.File, config.GlobalVersion(), f.GlobalVersion)
	}
	machine := tvm.NewTVM()
	return func(account *cell.Cell, s *scenarioStep) (outcome, error) {
		return runInGo(machine, config, account, s)
	}, nil
}

// ltAlign is what block times are multiples of, which is how other executors make one of a transaction's.
const ltAlign = 1_000_000

func runInGo(machine *tvm.TVM, config *tvm.PreparedBlockchainConfig, account *cell.Cell, s *scenarioStep) (o outcome, err error) {
	acc, msg, err := parsed(account, s)
	if err != nil {
		return o, err
	}
	block, err := config.NewBlockContext(tvm.BlockOptions{Now: s.Now, BlockLT: int64(s.LT - s.LT%ltAlign), RandSeed: make([]byte, 32), GlobalID: globalID})
	if err != nil {
		return o, err
	}
	res, err := machine.EmulateTransaction(block, acc, msg, tvm.TransactionOptions{LogicalTime: int64(s.LT)})
	if err != nil {
		return o, err
	}
	if res.TransactionCell == nil {
		return outcome{refused: int32(res.ExitCode)}, nil
	}
	return outcome{tx: res.TransactionCell, account: res.NextAccount.ShardAccountCell()}, nil
}

func parsed(account *cell.Cell, s *scenarioStep) (*tvm.PreparedAccount, *tvm.PreparedMessage, error) {
	var shard tlb.ShardAccount
	if err := tlb.Parse(&shard, account); err != nil {
		return nil, nil, err
	}
	at, err := address.ParseRawAddr(s.Account)
	if err != nil {
		return nil, nil, err
	}
	acc, err := tvm.PrepareAccount(&shard, at)
	if err != nil {
		return nil, nil, err
	}
	c, err := cell.FromBOC(s.Message)
	if err != nil {
		return nil, nil, err
	}
	msg, err := tvm.PrepareMessage(c)
	return acc, msg, err
}

func TestScenarios_ReplayInGo(t *testing.T) {
	t.Parallel()
	list := scenarios(t)
	require.GreaterOrEqual(t, len(list), 60)
	for _, s := range list {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			run, err := goExecutor(s.Config)
			require.NoError(t, err)
			require.NotEmpty(t, s.Steps)
			require.NoError(t, replay(&s, run))
		})
	}
}

// A replay that any hash satisfied would show nothing.
func TestScenarios_ReplayFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios(t)[:10] {
		run, err := goExecutor(s.Config)
		require.NoError(t, err)
		last := &s.Steps[len(s.Steps)-1]
		right := *last
		last.Expect.Hash = strings.Repeat("0", 64)
		require.ErrorContains(t, replay(&s, run), "expected transaction 0000", s.Name)
		*last = right
		last.Expect.Gas++
		require.Error(t, replay(&s, run), s.Name)
		*last = right
		last.Now++
		require.Error(t, replay(&s, run), s.Name)
	}
}
