package sandboxtests

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// tape holds every transaction of a world. A world that nobody records has none.
type tape struct {
	config *tvm.PreparedBlockchainConfig
	takes  []take
}

// take is one transaction, with the account before and after it.
type take struct {
	step          scenarioStep
	account       cocoon.Account
	before, after *cell.Cell // ShardAccounts
}

// studio keeps the tapes of the tests that are being recorded, by the name of
// the subtest that records.
var studio = struct {
	sync.Mutex
	tapes map[string][]*tape
}{tapes: map[string][]*tape{}}

// tapeOf is a tape for a world of t, where t or what it is part of is recorded.
func tapeOf(t rapid.TB, config *tvm.PreparedBlockchainConfig) *tape {
	studio.Lock()
	defer studio.Unlock()
	for name := t.Name(); name != ""; name = name[:max(strings.LastIndex(name, "/"), 0)] {
		if _, recorded := studio.tapes[name]; recorded {
			p := &tape{config: config}
			studio.tapes[name] = append(studio.tapes[name], p)
			return p
		}
	}
	return nil
}

// record begins to record what t does, and returns the tapes once it has.
func record(t *testing.T) (tapes func() []*tape) {
	name := t.Name()
	studio.Lock()
	defer studio.Unlock()
	studio.tapes[name] = nil
	return func() []*tape {
		studio.Lock()
		defer studio.Unlock()
		return studio.tapes[name]
	}
}

// add records one transaction on the account to.
func (p *tape) add(w *world, to cocoon.Account, message *cell.Cell, res *tvm.TransactionExecutionResult) {
	if p == nil {
		return
	}
	w.t.Helper()
	before := w.account(to).ShardAccountCell()
	t := take{account: to, before: before, after: before, step: scenarioStep{
		Op: opOf(w.t, message), Account: to.String(), Now: w.now, LT: w.lt, Message: message.ToBOC(), Expect: expected{Exit: int32(res.ExitCode)}}}
	if res.TransactionCell != nil {
		var err error
		t.step.Expect, err = expectedOf(res.TransactionCell)
		require.NoError(w.t, err)
		t.after = res.NextAccount.ShardAccountCell()
	}
	p.takes = append(p.takes, t)
}

// opOf names what a message asks for.
func opOf(t rapid.TB, message *cell.Cell) string {
	t.Helper()
	msg, err := tvm.PrepareMessage(message)
	require.NoError(t, err)
	in := msg.Message().Msg
	name := wrappers.OperationName(in.Payload())
	if name == "" {
		name = "none"
	}
	switch {
	case msg.Message().MsgType == "EXTERNAL_IN":
		return name + ", from outside"
	case msg.Message().AsInternal().Bounced:
		return "a bounce"
	}
	return name
}

// steady are the last takes between which nobody put an account into another
// state, nor back into an earlier one.
func (p *tape) steady() []take {
	start, left := 0, map[cocoon.Account][]byte{}
	for i, k := range p.takes {
		if hash := left[k.account]; hash != nil && !bytes.Equal(hash, k.before.Hash()) {
			start = i
			clear(left)
		}
		left[k.account] = k.after.Hash()
	}
	return p.takes[start:]
}

// scenario makes one of the tape.
func (p *tape) scenario(t *testing.T, name, shows string) scenario {
	t.Helper()
	root := p.config.Root()
	s := scenario{Name: name, Shows: shows, Accounts: map[string][]byte{}, Config: configFile{
		File: fmt.Sprintf("config/v%d.boc.b64", p.config.GlobalVersion()), Hash: hex.EncodeToString(root.Hash()), GlobalVersion: p.config.GlobalVersion()}}
	met := map[cocoon.Account]bool{}
	for _, k := range p.steady() {
		if !met[k.account] && !bytes.Equal(k.before.Hash(), emptyAccount(t, k.account)) {
			s.Accounts[k.account.String()] = k.before.ToBOC()
		}
		met[k.account] = true
		s.Steps = append(s.Steps, k.step)
	}
	return s
}

// emptyAccount is the hash of the ShardAccount of an account that is not there.
func emptyAccount(t *testing.T, a cocoon.Account) []byte {
	t.Helper()
	acc, err := tvm.PrepareAccount(noAccount(), chain.Address(a))
	require.NoError(t, err)
	return acc.ShardAccountCell().Hash()
}

// kinds are what the steps ask and how they end, each once.
func (s *scenario) kinds() []string {
	set := map[string]bool{}
	for _, k := range s.Steps {
		set[fmt.Sprintf("%s %d", k.Op, k.Expect.Exit)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// holds reports whether the file of s shows what s does and is still right: then
// it stays, since a test that ranges over a map plays in another order each time.
func (s *scenario) holds() bool {
	old, err := readScenario(s.file())
	if err != nil || old.Shows != s.Shows || old.Config != s.Config || !slices.Equal(old.kinds(), s.kinds()) {
		return false
	}
	run, err := goExecutor(old.Config)
	return err == nil && replay(&old, run) == nil && old.outdated() == nil
}

func (s *scenario) file() string { return filepath.Join(scenarioDir, s.Name+".json") }

// save writes s and the config that it is played with.
func (s *scenario) save(t *testing.T, config *cell.Cell) {
	t.Helper()
	file := filepath.Join(scenarioDir, s.Config.File)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(config.ToBOC())+"\n"), 0o644))
	if s.holds() {
		return
	}
	raw, err := s.encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.file(), raw, 0o644))
}
