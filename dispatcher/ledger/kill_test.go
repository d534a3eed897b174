package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// Environment of the process that TestLedger_KilledAnywhere kills.
const (
	killDir = "COCOON_TEST_LEDGER_DIR"
	killRun = "COCOON_TEST_LEDGER_RUN" // the how manyeth process: its workers' boot
)

const (
	killChannels = 3
	killWorkers  = 3
	killEpoch    = 25 // processes, of which the last one closes a number
)

// What the chain says: a process that dies young has not written it to its tables.
const killFees = bound.Fees(100)

var killDeposit = cocoon.TON(1000)

// TestMain is the process to be killed where it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(killDir) == "" {
		os.Exit(m.Run())
	}
	if err := victim(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// killConfig trusts every worker, so that what each is owed is known to the nanoTON.
func killConfig(dir string) Config {
	cfg := testConfig(dir, nil)
	cfg.Now, cfg.Flush, cfg.Linger, cfg.Free = time.Now, 7*time.Millisecond, 3*time.Millisecond, cocoon.TON(1000)
	return cfg
}

// saidOf is what killed processes said.
type saidOf struct {
	open  map[string]string // receipts that were not acknowledged: their line
	acked map[string]string
	paid  map[claimKey]cocoon.Nano
	leaf  map[claimKey]cocoon.Nano
}

func (s *saidOf) hear(t *testing.T, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "signed":
		if raw := rest[strings.LastIndex(rest, " ")+1:]; s.acked[raw] == "" {
			s.open[raw] = rest
		}
	case "acked":
		if s.open[rest] != "" {
			s.acked[rest] = s.open[rest]
		}
		delete(s.open, rest)
	case "earned":
		b, err := hex.DecodeString(rest[strings.Index(rest, " ")+1:])
		require.NoError(t, err)
		e, err := receipt.ParseEarned(b)
		require.NoError(t, err)
		s.paid[claimKey{e.Number, e.Provider}] = e.Amount
	case "leaf":
		var n uint32
		var account, amount string
		_, err := fmt.Sscanf(rest, "%d %s %s", &n, &account, &amount)
		require.NoError(t, err)
		provider, err := cocoon.ParseAccount(account)
		require.NoError(t, err)
		s.leaf[claimKey{n, provider}], err = cocoon.ParseNano(amount)
		require.NoError(t, err)
	}
}

func TestLedger_KilledAnywhereKeepsWhatItPromisedAndCountsItOnce(t *testing.T) {
	t.Parallel()
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	said := &saidOf{map[string]string{}, map[string]string{}, map[claimKey]cocoon.Nano{}, map[claimKey]cocoon.Nano{}}
	for run := range 100 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		var complaint, repeats bytes.Buffer
		for _, line := range said.open {
			fmt.Fprintln(&repeats, line)
		}
		replays := 3
		for _, line := range said.acked {
			if replays--; replays < 0 {
				break
			}
			fmt.Fprintln(&repeats, line)
		}
		c.Stdin, c.Stderr = stdin(t, repeats.Bytes()), &complaint
		c.Env = append(os.Environ(), killDir+"="+dir, killRun+"="+strconv.Itoa(run))
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		lines := bufio.NewScanner(out)
		for left := 1 + random.IntN(60); left > 0 && lines.Scan(); left-- {
			said.hear(t, lines.Text())
		}
		require.NoError(t, c.Process.Kill())
		for lines.Scan() { // what it said before it died
			if strings.Count(lines.Text(), " ") > 0 {
				said.hear(t, lines.Text())
			}
		}
		require.Error(t, c.Wait(), "it ends by the kill alone")
		require.Empty(t, complaint.String())
		said.check(t, dir)
	}
	require.Greater(t, len(said.acked), 100, "there was something to lose")
	require.GreaterOrEqual(t, len(said.paid), killWorkers*4, "in four numbers")
	require.NotEmpty(t, said.leaf)
}

func stdin(t *testing.T, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "repeats")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// check opens the ledger and compares it with what was said.
func (said *saidOf) check(t *testing.T, dir string) {
	t.Helper()
	l, err := Open(t.Context(), killConfig(dir))
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	var rows []struct {
		Provider, Raw []byte
		Void          string
	}
	require.NoError(t, l.store.db.NewRaw(`SELECT provider, raw, void FROM receipts`).Scan(t.Context(), &rows))
	owed, used, kept := map[cocoon.Account]cocoon.Nano{}, cocoon.Nano{}, map[string]bool{}
	for _, row := range rows {
		kept[hex.EncodeToString(row.Raw)] = true
		u, err := receipt.ParseUsage(row.Raw)
		require.NoError(t, err)
		if row.Void == "" {
			used = used.Plus(u.Content.Cost)
			owed[u.Provider] = owed[u.Provider].Plus(killFees.Rest(u.Content.Cost))
		}
	}
	for raw := range said.acked {
		require.True(t, kept[raw], "an acknowledged receipt is lost")
	}
	agreed, covered, earned := cocoon.Nano{}, cocoon.Nano{}, cocoon.Nano{}
	for _, c := range l.state.channels {
		agreed, covered = agreed.Plus(c.owed().Plus(c.Disputed)), covered.Plus(c.Cover.Amount.Min(killDeposit))
	}
	require.Equal(t, used, agreed, "clients owe each receipt once")
	var claims []struct {
		Number                    uint32
		Provider, Payable, Earned string
	}
	require.NoError(t, l.store.db.NewRaw(`SELECT number, hex(provider) AS provider, payable, earned FROM claims`).Scan(t.Context(), &claims))
	payable, held := map[cocoon.Account]cocoon.Nano{}, map[claimKey]claim{}
	for _, row := range claims {
		provider, err := cocoon.ParseAccount("0:" + row.Provider)
		require.NoError(t, err)
		c := claim{Payable: nano(t, row.Payable), Earned: nano(t, row.Earned)}
		require.LessOrEqual(t, c.Earned.Cmp(c.Payable), 0)
		payable[provider], earned = payable[provider].Plus(c.Payable), earned.Plus(c.Earned)
		held[claimKey{row.Number, provider}] = c
	}
	require.Equal(t, owed, payable, "each receipt is owed once, over all numbers")
	for key, amount := range said.paid {
		require.LessOrEqual(t, amount.Cmp(held[key].Earned), 0, "more is signed than is kept")
	}
	for key, amount := range said.leaf {
		require.Equal(t, amount, held[key].Payable, "a closed number is closed")
	}
	require.LessOrEqual(t, earned.Cmp(killFees.Rest(covered)), 0, "what is signed is covered")
}
