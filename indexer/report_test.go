package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/wrappers"
)

var reporter = accountOf(77)

// report sends two receipts of one number by a worker's session.
func (w *world) report(provider cocoon.Account, name string) {
	w.t.Helper()
	certificate := receipt.Certificate{GlobalID: globalID, Provider: provider, SessionKey: wrappers.PublicKey(testKey("session")), Boot: [16]byte{1}}
	first := receipt.Usage{Scope: receipt.Scope{GlobalID: globalID, Provider: provider, Rewards: payee, Worker: wrappers.PublicKey(testKey(name)), Boot: [16]byte{1}, Number: 1}}
	second := first
	second.Content.Cost = cocoon.NanoOf(1)
	e := receipt.Equivocation{Worker: first.Worker, Certificate: must(certificate.Sign(testKey(name))), First: must(first.Sign(testKey("session"))), Second: must(second.Sign(testKey("session")))}
	require.NoError(w.t, e.Verify())
	w.send(provider, cocoon.TON(1), nil, body(must(wrappers.NewReportEquivocation(e, 12, reporter))))
}

// shortenUnbonding has the registry publish terms with another unbonding, and the provider take them.
func (w *world) shortenUnbonding(provider cocoon.Account, seconds uint32) {
	w.t.Helper()
	terms := *w.terms.Provider
	terms.Unbonding = seconds
	w.terms.Provider = &terms
	w.send(w.registry, cocoon.TON(2), nil, body(must(wrappers.AnnounceTerms(1, w.terms))))
	w.advance(31)
	w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Apply{}))
	w.send(provider, cocoon.TON(10), nil, body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.settle()
}

func TestReport_TakesTheStakeThenWhatWasUnstakedLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	p := w.stakeProvider()
	w.putWorker(p, "w1", 2)
	w.putWorker(p, "w2", 1)
	unstake := func(n uint64) {
		w.send(p, cocoon.TON(1), nil, body(wrappers.RequestUnstake{Amount: wrappers.Coins{Nano: cocoon.TON(n)}}))
	}
	unstake(3)
	w.shortenUnbonding(p, 30) // so that the newest tranche is the first in time
	unstake(11)
	w.report(p, "w1")
	w.settle()
	w.follow(x)
	agree := func() {
		t.Helper()
		found, err := x.Audit(t.Context())
		require.NoError(t, err)
		require.Empty(t, found)
	}
	agree()

	told, err := x.Provider(t.Context(), p)
	require.NoError(t, err)
	require.True(t, told.Stake.IsZero(), "1 of the 4 TON due")
	require.Equal(t, cocoon.TON(11), told.Unbonding)
	require.Equal(t, []cocoon.Nano{cocoon.TON(8), cocoon.TON(3)}, []cocoon.Nano{told.Tranches[0].Amount, told.Tranches[1].Amount})
	require.Equal(t, cocoon.TON(7), told.Required, "one GPU is active")
	event := requireReport(t, x)
	require.Equal(t, []market.Out{{To: reporter, Value: event.Out[0].Value, Name: "payout"}, {To: treasury, Value: cocoon.NanoOf(3_200_000_000), Name: "payout"}}, event.Out)
	require.Equal(t, 1, event.Out[0].Value.Cmp(cocoon.NanoOf(800_000_000)), "a fifth, and the excess")

	w.retireWorker(p, "w2")
	w.report(p, "w2")
	w.report(p, "w2") // refused
	w.settle()
	w.follow(x)
	agree()
	requireWorkers(t, x, p)
	w.advance(31)
	w.send(p, cocoon.TON(1), nil, body(wrappers.Withdraw{}))
	w.send(p, cocoon.TON(1), nil, body(wrappers.Prune{Response: w.me, Worker: wrappers.PublicKey(testKey("w1"))}))
	w.settle()
	w.follow(x)
	agree()
	live := dump(t, x, projected...)
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, live, dump(t, x, projected...))
	_, err = x.store.write.ExecContext(t.Context(), `UPDATE workers SET slashed = 0`)
	require.NoError(t, err)
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1, "the audit sees who was slashed")
}

// requireReport is the first report of the log.
func requireReport(t *testing.T, x *Indexer) market.Event {
	t.Helper()
	events, err := x.Events(t.Context(), 0, 200)
	require.NoError(t, err)
	for _, e := range events {
		if e.Name == "report_equivocation" && e.OK {
			require.Contains(t, string(e.Data), `"worker":`)
			return e
		}
	}
	require.Fail(t, "nothing was reported")
	return market.Event{}
}

// requireWorkers wants both workers to be slashed, as the API tells.
func requireWorkers(t *testing.T, x *Indexer, p cocoon.Account) {
	t.Helper()
	var list struct {
		Items []struct {
			RetiredAt uint32 `json:"retired_at"`
			Slashed   bool   `json:"slashed"`
		} `json:"items"`
	}
	serve(t, x).get("/v1/workers?provider="+p.String(), &list)
	require.Len(t, list.Items, 2)
	for _, worker := range list.Items {
		require.True(t, worker.Slashed)
		require.Positive(t, worker.RetiredAt)
	}
}
