//go:build cgo && emulator && linux && amd64

package sandboxtests

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/boc"
	tongotlb "github.com/tonkeeper/tongo/tlb"
	"github.com/tonkeeper/tongo/txemulator"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// TestScenarios_ReplayInTheEmulator runs every scenario in the C++ emulator that tongo carries.
func TestScenarios_ReplayInTheEmulator(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(scenarioDir, "exceptions", "tongo.json"))
	require.NoError(t, err)
	var exceptions map[string]string
	require.NoError(t, json.Unmarshal(raw, &exceptions))
	known := map[string]bool{}
	for _, s := range scenarios(t) {
		known[s.Name] = true
		t.Run(s.Name, func(t *testing.T) {
			run, err := emulatorExecutor(s.Config)
			require.NoError(t, err)
			require.NoError(t, verdict(s.Name, replay(&s, run), exceptions))
		})
	}
	for name := range exceptions {
		require.Contains(t, known, name, "there is no such scenario")
	}
}

// emulatorExecutor is libemulator's, by way of tongo.
func emulatorExecutor(f configFile) (executor, error) {
	root, err := f.load()
	if err != nil {
		return nil, err
	}
	config, err := toTongo(root)
	if err != nil {
		return nil, err
	}
	emulator, err := txemulator.NewEmulator(config, txemulator.LogTruncated)
	if err != nil {
		return nil, err
	}
	// It logs all that it does unless told otherwise.
	if err = emulator.SetVerbosityLevel(0); err != nil {
		return nil, err
	}
	return func(account *cell.Cell, s *scenarioStep) (outcome, error) { return runInEmulator(emulator, account, s) }, nil
}

func runInEmulator(emulator *txemulator.Emulator, account *cell.Cell, s *scenarioStep) (o outcome, err error) {
	var shard tongotlb.ShardAccount
	if err = readTongo(account, &shard); err != nil {
		return o, err
	}
	c, err := cell.FromBOC(s.Message)
	if err != nil {
		return o, err
	}
	var message tongotlb.Message
	if err = readTongo(c, &message); err != nil {
		return o, err
	}
	if err = emulator.SetUnixtime(s.Now); err != nil {
		return o, err
	}
	if err = emulator.SetLT(s.LT); err != nil {
		return o, err
	}
	res, err := emulator.Emulate(shard, message)
	if err != nil {
		return o, err
	}
	if !res.Success && s.Expect.Hash != "" {
		return o, errors.New(res.Error.Text)
	}
	if !res.Success {
		return outcome{refused: int32(res.Error.ExitCode)}, nil
	}
	return emulated(res)
}

func emulated(res txemulator.EmulationResult) (o outcome, err error) {
	after := boc.NewCell()
	if err = tongotlb.Marshal(after, res.Emulation.ShardAccount); err != nil {
		return o, err
	}
	if o.account, err = fromTongo(after); err != nil {
		return o, err
	}
	raw, err := base64.StdEncoding.DecodeString(res.Emulation.RawTransaction)
	if err != nil {
		return o, err
	}
	o.tx, err = cell.FromBOC(raw)
	return o, err
}

// toTongo and fromTongo take a cell from one library to the other.
func toTongo(c *cell.Cell) (*boc.Cell, error) {
	cells, err := boc.DeserializeBoc(c.ToBOC())
	if err != nil {
		return nil, err
	}
	return cells[0], nil
}

func fromTongo(c *boc.Cell) (*cell.Cell, error) {
	raw, err := c.ToBoc()
	if err != nil {
		return nil, err
	}
	return cell.FromBOC(raw)
}

func readTongo(c *cell.Cell, into any) error {
	there, err := toTongo(c)
	if err != nil {
		return err
	}
	return tongotlb.Unmarshal(there, into)
}
