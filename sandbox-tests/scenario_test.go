package sandboxtests

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// scenarioDir holds the scenarios; its README.md describes the format.
const scenarioDir = "scenarios"

// scenario is what any executor needs to run some transactions, and what they
// have to be.
type scenario struct {
	Name     string            `json:"name"`  // of its file
	Shows    string            `json:"shows"` // for people
	Config   configFile        `json:"config"`
	Accounts map[string][]byte `json:"accounts"` // BoC of the ShardAccount of each that is there at the start
	Steps    []scenarioStep    `json:"steps"`
}

// configFile is a blockchain config that scenarios share.
type configFile struct {
	File          string `json:"file"` // below scenarioDir: a BoC in base64
	Hash          string `json:"hash"`
	GlobalVersion uint32 `json:"global_version"`
}

// scenarioStep is one transaction on one account.
type scenarioStep struct {
	Op      string   `json:"op"` // for people
	Account string   `json:"account"`
	Now     uint32   `json:"now"`
	LT      uint64   `json:"lt,string"` // at which the transaction starts at the earliest
	Message []byte   `json:"message"`   // BoC
	Expect  expected `json:"expect"`
}

// expected is a transaction, or the exit code that refused an external message.
type expected struct {
	Hash   string   `json:"hash,omitempty"` // none where the message was not accepted
	Exit   int32    `json:"exit"`           // of the compute phase, 0 where there was none
	Action int32    `json:"action"`         // likewise
	Gas    uint64   `json:"gas"`
	Out    []string `json:"out,omitempty"` // hashes of the messages it sent
}

// expectedOf reads what is compared out of a transaction.
func expectedOf(c *cell.Cell) (e expected, err error) {
	var tx tlb.Transaction
	if err = tlb.Parse(&tx, c); err != nil {
		return e, fmt.Errorf("parse the transaction: %w", err)
	}
	d, ok := tx.Description.(tlb.TransactionDescriptionOrdinary)
	if !ok {
		return e, fmt.Errorf("the transaction is %T", tx.Description)
	}
	e.Hash = hex.EncodeToString(c.Hash())
	if phase, ok := d.ComputePhase.Phase.(tlb.ComputePhaseVM); ok {
		e.Exit, e.Gas = phase.Details.ExitCode, phase.Details.GasUsed.Uint64()
	}
	if d.ActionPhase != nil {
		e.Action = d.ActionPhase.ResultCode
	}
	e.Out, err = sentBy(&tx)
	return e, err
}

// sentBy are the hashes of what a transaction sent, in its order.
func sentBy(tx *tlb.Transaction) (hashes []string, err error) {
	if tx.IO.Out == nil || tx.IO.Out.List == nil {
		return nil, nil
	}
	for i := range tx.OutMsgCount {
		value, err := tx.IO.Out.List.LoadValue(cell.BeginCell().MustStoreUInt(uint64(i), 15).EndCell())
		if err != nil {
			return nil, fmt.Errorf("load outgoing message %d: %w", i, err)
		}
		message, err := value.PeekRefCell()
		if err != nil {
			return nil, fmt.Errorf("load outgoing message %d: %w", i, err)
		}
		hashes = append(hashes, hex.EncodeToString(message.Hash()))
	}
	return hashes, nil
}

// encode is how a scenario lies in its file.
func (s *scenario) encode() ([]byte, error) {
	raw, err := json.MarshalIndent(s, "", " ")
	return append(raw, '\n'), err
}

func readScenario(file string) (s scenario, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err = dec.Decode(&s); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	if want := strings.TrimSuffix(filepath.Base(file), ".json"); s.Name != want {
		return s, fmt.Errorf("%s: it names %q", file, s.Name)
	}
	return s, nil
}

// scenarios are all that are committed.
func scenarios(t *testing.T) []scenario {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(scenarioDir, "*.json"))
	require.NoError(t, err)
	list := make([]scenario, len(files))
	for i, file := range files {
		list[i], err = readScenario(file)
		require.NoError(t, err)
	}
	return list
}
