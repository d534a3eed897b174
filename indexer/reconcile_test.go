package indexer

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

var jsonSet = regexp.MustCompile(`json_set\(doc, '\$\.(\w+)', ([^)]+)\)`)

// inWordsOf says SQLite's statement in the words of x's database.
func inWordsOf(x *Indexer, statement string) string {
	if x.cfg.DSN == "" {
		return statement
	}
	if m := jsonSet.FindStringSubmatch(statement); m != nil {
		value := strings.Trim(m[2], "'")
		if value != m[2] {
			value = `"` + value + `"`
		}
		statement = strings.Replace(statement, m[0], `regexp_replace(doc, '"`+m[1]+`":("[^"]*"|[^,}]*)', '"`+m[1]+`":`+value+`')`, 1)
	}
	return strings.ReplaceAll(statement, `x'00'`, `'\x00'::bytea`)
}

func TestReconcile_CountsWhatAFalseRowSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.stakeProvider()
	w.settle()
	w.follow(x)
	x.auditNow(t.Context())
	good := x.Reconciliation()
	require.Equal(t, []any{uint64(1), uint64(0), uint64(0), ""}, []any{good.Audits, good.Failed, good.Mismatches, good.Error})
	require.Equal(t, Audit{Seqno: x.Head().Seqno, Time: x.Head().Time, Contracts: 2, Differences: []Difference{}}, *good.Last)

	_, err := x.store.write.ExecContext(t.Context(), inWordsOf(x, `UPDATE providers SET doc = json_set(doc, '$.stake', '1')`))
	require.NoError(t, err)
	for n := range uint64(2) { // it is counted each time it is seen
		x.auditNow(t.Context())
		bad := x.Reconciliation()
		require.Equal(t, []any{n + 2, n + 1, 1}, []any{bad.Audits, bad.Mismatches, bad.Last.Mismatches})
		require.Equal(t, []any{"provider", "stake", `"1"`}, []any{bad.Last.Differences[0].Kind, bad.Last.Differences[0].What, bad.Last.Differences[0].Indexed})
	}
	require.NoError(t, x.Rebuild(t.Context()))
	x.auditNow(t.Context())
	mended := x.Reconciliation()
	require.Zero(t, mended.Last.Mismatches)
	require.Equal(t, uint64(2), mended.Mismatches, "what was wrong once is not forgotten")
}

// mute is a chain that tells no accounts.
type mute struct{ Chain }

func (mute) AccountAt(context.Context, *ton.BlockIDExt, cocoon.Account) (chain.Account, error) {
	return chain.Account{}, cocoon.Unreachable.Errorf("nobody answers")
}

func TestReconcile_TakesSilenceForNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.follow(x)
	x.cfg.Chain = mute{w.client}
	x.auditNow(t.Context())
	r := x.Reconciliation()
	require.Equal(t, []any{uint64(0), uint64(1), uint64(0)}, []any{r.Audits, r.Failed, r.Mismatches})
	require.Nil(t, r.Last)
	require.Contains(t, r.Error, "nobody answers")
	x.cfg.Chain = w.client
	x.auditNow(t.Context())
	require.Empty(t, x.Reconciliation().Error)
	require.Equal(t, uint64(1), x.Reconciliation().Audits)
}

func TestRun_ReconcilesOnItsSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.AuditEvery = 5 * time.Millisecond
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { x.Close() })
	api := serve(t, x)
	stop := runs(t, x)
	defer stop()
	var status struct {
		Audit Reconciliation `json:"audit"`
	}
	audits := func() bool {
		api.get("/v1/status", &status)
		return status.Audit.Last != nil && status.Audit.Last.Contracts == 1
	}
	require.Eventually(t, audits, time.Minute, 5*time.Millisecond)
	require.Zero(t, status.Audit.Mismatches)
	_, err = x.store.write.ExecContext(t.Context(), `UPDATE balances SET fees = '1'`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return audits() && status.Audit.Mismatches > 0 }, time.Minute, 5*time.Millisecond)
	require.Equal(t, w.registry, status.Audit.Last.Differences[0].Account)
}

func TestOpen_RefusesAScheduleBeforeTheStart(t *testing.T) {
	t.Parallel()
	cfg := Config{Path: "x", Registry: payee, Chain: mute{}, AuditEvery: -time.Second}
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(cfg.Validate()))
}
