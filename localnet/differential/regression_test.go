package differential

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const regressionDir = "testdata/regressions"

// regression is a step that executors once made different things of, or do. Bags
// of cells are base64, hashes hexadecimal.
type regression struct {
	Shows       string `json:"shows"`
	Known       string `json:"known,omitempty"` // the difference of README.md, while there is one
	Version     uint32 `json:"global_version"`
	Config      []byte `json:"config"`
	Libraries   []byte `json:"libraries,omitempty"`
	Address     string `json:"address"`
	Account     []byte `json:"account"` // ShardAccount
	StorageStat []byte `json:"storage_stat,omitempty"`
	Message     []byte `json:"message,omitempty"` // none: tick-tock
	Tock        bool   `json:"tock,omitempty"`
	Now         uint32 `json:"now"` // unix seconds
	LT          uint64 `json:"lt"`
	Seed        string `json:"seed"`   // of the block
	Expect      result `json:"expect"` // what the reference makes of it
	Ours        result `json:"ours"`   // where Known
}

// result holds hashes, or how the message was refused.
type result struct {
	Transaction string `json:"transaction,omitempty"`
	Account     string `json:"account,omitempty"` // of the ShardAccount
	Exit        *int32 `json:"exit,omitempty"`
	Refused     bool   `json:"refused,omitempty"`
}

func resultOf(o outcome) result {
	if o.tx == nil {
		return result{Exit: o.exit, Refused: true}
	}
	return result{Transaction: hex.EncodeToString(o.tx.Hash()), Account: hex.EncodeToString(o.account.Hash())}
}

// matches tells whether an outcome is the one that was recorded. An exit code
// counts where both have one.
func (r result) matches(o outcome) bool {
	got := resultOf(o)
	if r.Exit == nil || got.Exit == nil {
		r.Exit, got.Exit = nil, nil
	}
	return r.Transaction == got.Transaction && r.Account == got.Account && r.Refused == got.Refused &&
		(r.Exit == nil || *r.Exit == *got.Exit)
}

func parse(raw []byte) (*cell.Cell, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	return cell.FromBOC(raw)
}

// load makes the step again.
func (r *regression) load() (*rules, *step, error) {
	config, err1 := parse(r.Config)
	libraries, err2 := parse(r.Libraries)
	account, err3 := parse(r.Account)
	stat, err4 := parse(r.StorageStat)
	message, err5 := parse(r.Message)
	at, err6 := address.ParseRawAddr(r.Address)
	seed, err7 := hex.DecodeString(r.Seed)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		return nil, nil, err
	}
	l, err := open(account, at)
	if err != nil {
		return nil, nil, err
	}
	l.stat = stat
	s := &step{at: at, account: l, message: message, tock: r.Tock, now: r.Now, lt: r.LT}
	copy(s.seed[:], seed)
	rules, err := newRules(config, libraries)
	return rules, s, err
}

func regressions(t *testing.T) map[string]*regression {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(regressionDir, "*.json"))
	require.NoError(t, err)
	all := map[string]*regression{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		r := &regression{}
		require.NoError(t, json.Unmarshal(raw, r), path)
		all[filepath.Base(path)] = r
	}
	return all
}

// TestRegressions_ReplayInGo wants the hashes of the reference, with two kinds of
// exceptions, and those must still be what README.md says they are: a fix
// upstream fails this test, and takes the difference off the list.
func TestRegressions_ReplayInGo(t *testing.T) {
	t.Parallel()
	known := map[string]int{}
	for name, r := range regressions(t) {
		rules, s, err := r.load()
		require.NoError(t, err, name)
		require.Equal(t, r.Version, rules.version, name)
		ours, _ := rules.run(s)
		known[r.Known]++
		if r.Known == "" {
			require.True(t, r.Expect.matches(ours), "%s (%s): got %s, expected %+v", name, r.Shows, ours, r.Expect)
			continue
		}
		require.False(t, r.Expect.matches(ours), "%s: difference %s is gone; take it out of README.md and known_test.go", name, r.Known)
		require.True(t, r.Ours.matches(ours), "%s (%s): got %s, difference %s was %+v", name, r.Shows, ours, r.Known, r.Ours)
	}
	require.NotZero(t, known["deletion"])
	require.NotZero(t, known["fee"])
}

// A replay that any hash satisfied would show nothing.
func TestRegressions_ReplayFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, r := range regressions(t) {
		rules, s, err := r.load()
		require.NoError(t, err, name)
		if r.Expect.Refused {
			continue
		}
		s.now++
		later, _ := rules.run(s)
		require.False(t, r.Expect.matches(later) || r.Ours.matches(later), name)
	}
}
