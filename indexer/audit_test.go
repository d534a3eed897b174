package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestAudit_TheTablesAreTheChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	agree := func() {
		t.Helper()
		w.follow(x)
		found, err := x.Audit(t.Context())
		require.NoError(t, err)
		require.Empty(t, found)
	}
	agree()
	s := w.play()
	agree()
	w.finish(s)
	agree()

	events, err := x.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	happened := map[string]bool{}
	for i, e := range events {
		require.Equal(t, uint64(i+1), e.Seq)
		if e.OK {
			happened[e.Contract+" "+e.Name] = true
		}
	}
	for _, name := range []string{"registry announce", "registry apply", "registry retract", "registry launch", "registry suspend", "registry request_terms",
		"provider refresh_terms", "provider terms", "provider withdraw", "provider stake", "provider request_unstake", "provider set_operator", "provider put_worker",
		"provider retire_worker", "provider prune", "provider accept_job", "provider income", "provider bounce", "provider transfer",
		"job open_job", "job accept", "job cancel", "job expire", "job deliver", "job approve", "job dispute", "job rule", "job finish", "job transfer",
		"rewards refresh_terms", "rewards terms", "rewards withdraw", "rewards bond", "rewards fund", "rewards request_unbond", "rewards appoint", "rewards open_epoch",
		"rewards passed", "rewards failed", "rewards remainder", "rewards settlement",
		"channel open_channel", "channel settle", "channel rotate", "channel request_close", "channel close_now", "channel finish", "channel transfer",
		"epoch open", "epoch publish", "epoch fail", "epoch pass", "epoch push", "epoch claim", "epoch finish"} {
		require.True(t, happened[name], "%s did not happen", name)
	}

	m, err := x.Money(t.Context())
	require.NoError(t, err)
	sum := must(must(m.Paid.Add(m.Fees)).Add(m.Held))
	require.Equal(t, m.Received, sum)
	contracts, err := x.Contracts(t.Context())
	require.NoError(t, err)
	var held cocoon.Nano
	for _, c := range contracts {
		held = must(held.Add(c.Balance))
	}
	require.Equal(t, m.Held, held)
}

func TestQueries_TellWhatTheEventsAddUpTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	s := w.play()
	w.follow(x)

	for name, want := range map[string]market.Status{"approved": market.Paid, "finished": market.Paid, "cancelled": market.Refunded, "expired": market.Refunded,
		"slashed": market.Slashed, "refused": market.Open, "open": market.Open, "ruled": market.Ruled, "defaulted": market.Ruled, "without arbiter": market.Ruled,
		"disputed": market.Disputed} {
		j, err := x.Job(t.Context(), s.jobs[name])
		require.NoError(t, err)
		require.Equal(t, want, j.Status, name)
	}
	paid, err := x.Jobs(t.Context(), JobFilter{Status: market.Paid, Provider: &s.provider})
	require.NoError(t, err)
	require.Len(t, paid, 2)
	require.Equal(t, cocoon.NanoOf(940_000_000), paid[0].ToProvider, "1 TON less 1 % and 5 %")
	require.Equal(t, cocoon.Usage{Prompt: 100, Completion: 200}, paid[0].Usage)

	requireDisputes(t, x, s.jobs)

	p, err := x.Provider(t.Context(), s.provider)
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(12), p.Stake)
	require.Equal(t, cocoon.TON(11), p.Required, "5 and 2 for each of three GPUs")
	require.Equal(t, cocoon.TON(1), p.Unbonding)
	require.Len(t, p.Tranches, 1)
	require.Equal(t, cocoon.NanoOf(7_600_030_000), p.Allowance, "8, less 1 slashed, 1 in dispute and what a ruling took of another, and a gift of 2")

	workers, err := x.Workers(t.Context())
	require.NoError(t, err)
	require.Len(t, workers, 2, "one was pruned")
	require.Equal(t, uint16(2), workers[0].GPUs, "the record was changed")
	require.Equal(t, []market.ModelOffer{{Model: cocoon.NewModelID(model), Name: model, Price: price(1_000_000)}}, workers[0].Models)

	e, err := x.Epoch(t.Context(), s.epoch)
	require.NoError(t, err)
	require.Equal(t, "paying", e.Phase)
	require.Equal(t, []uint32{3}, e.Claimed)
	require.Equal(t, uint32(2), e.Pushed)
	require.Equal(t, cocoon.NanoOf(300_000_000+0+1+3), e.Paid)
	list, err := x.Leaves(t.Context(), s.epoch, 1, 3)
	require.NoError(t, err)
	require.Equal(t, market.Leaf{Index: 1, Provider: accountOf(2), Amount: cocoon.NanoOf(100_000_001), Requests: 3, Tokens: 400, Uptime: 9_999, P50: 120}, list[0])
	require.Len(t, list, 3)

	r, err := x.RewardsAt(t.Context(), s.rewards)
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(17), r.Bond)
	require.Equal(t, cocoon.TON(3), r.Unbonding)
	require.Equal(t, payee, r.Operator)
	require.Equal(t, []any{uint32(2), uint16(1), cocoon.Account{}}, []any{r.Number, r.Attempt, r.Pending})

	models, err := x.Models(t.Context())
	require.NoError(t, err)
	require.Len(t, models, 2)
	require.Positive(t, models[0].SuspendedUntil)

	_, err = x.Job(t.Context(), s.provider)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

func TestAudit_TellsWhatDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	p := w.stakeProvider()
	w.putWorker(p, "w1", 1)
	w.settle()
	w.follow(x)
	lie(t, x, "providers", "stake", "1")
	for _, lie := range []string{`UPDATE balances SET fees = '1'`, `UPDATE workers SET gpus = 9`, `UPDATE listings SET suspended = 3`} {
		_, err := x.store.write.ExecContext(t.Context(), lie)
		require.NoError(t, err)
	}
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	whats := map[string]bool{}
	for _, d := range found {
		whats[d.Kind+" "+d.What] = true
	}
	require.Equal(t, map[string]bool{"registry balance": true, "registry lists": true, "provider balance": true, "provider stake": true, "provider workers": true}, whats)

	require.NoError(t, x.Rebuild(t.Context()))
	found, err = x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestRebuild_MakesTheSameTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.finish(w.play())
	w.follow(x)
	live := dump(t, x, projected...)
	require.NotEmpty(t, live)
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, live, dump(t, x, projected...))
}

func TestOpen_RebuildsWhatOtherRulesMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	x := w.open(path)
	w.follow(x)
	live := dump(t, x, projected...)
	_, err := x.store.write.ExecContext(t.Context(), `UPDATE projections SET version = 0; DELETE FROM listings`)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.Equal(t, live, dump(t, w.open(path), projected...))
}

// requireDisputes wants what each dispute came to, of 1 TON, a bond of 1 TON and a deposit of 0.100000001.
func requireDisputes(t *testing.T, x *Indexer, jobs map[string]cocoon.Account) {
	t.Helper()
	n := cocoon.NanoOf
	for name, want := range map[string]struct{ paid, provider, arbiter, awarded, rest cocoon.Nano }{
		"approved":        {n(1_000_000_000), n(940_000_000), n(0), n(0), n(1_000_000_000)},
		"slashed":         {n(0), n(0), n(0), n(1_000_000_000), n(3_000_000_000)},
		"ruled":           {n(249_900_000), n(234_906_000), n(100_000_001), n(299_969_999), n(2_150_070_000)}, // 2 + 1 + 0.1 less what is named before, and the bond's rest
		"defaulted":       {n(333_300_000), n(313_302_000), n(0), n(0), n(1_766_700_001)},
		"without arbiter": {n(333_300_000), n(313_302_000), n(0), n(0), n(1_666_700_000)},
	} {
		j, err := x.Job(t.Context(), jobs[name])
		require.NoError(t, err)
		require.Equal(t, want.paid, j.Paid, name)
		require.Equal(t, want.provider, j.ToProvider, name)
		require.Equal(t, want.arbiter, j.ToArbiter, name)
		require.Equal(t, want.awarded, j.Awarded, name)
		require.NotEqual(t, -1, j.ToClient.Cmp(want.rest), "%s: %s came back", name, j.ToClient)
		require.Zero(t, j.Until)
	}
	waits, err := x.Job(t.Context(), jobs["disputed"])
	require.NoError(t, err)
	require.Greater(t, waits.Until, waits.OpenedAt+29*86400, "until the arbitration is over")
	require.True(t, waits.Paid.IsZero())
	require.Equal(t, []any{n(100_000_001), uint16(3_333)}, []any{waits.Deposit, waits.DefaultBps})
	require.Equal(t, waits.Client, waits.Arbiter)
}

func TestProject_OutlastsANameThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.send(w.registry, cocoon.TON(2), nil, body(must(wrappers.AnnounceModel(3, wrappers.ModelData{Name: "a\x00b'\\?"}))))
	w.settle()
	w.advance(31)
	w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Apply{Change: 0}))
	w.settle()
	w.follow(x)
	models, err := x.Models(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a\ufffdb'\\?", models[len(models)-1].Name)
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}
