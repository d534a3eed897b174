package indexer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// story is what became of a whole market in which nearly every operation happened.
type story struct {
	provider, rewards, epoch cocoon.Account
	jobs, channels           map[string]cocoon.Account
	tree                     *wrappers.EpochTree
}

// play lets it all happen; between calls of its parts time passes.
func (w *world) play() (s story) {
	w.t.Helper()
	s.provider = w.stakeProvider()
	s.jobs = w.playJobs(s.provider)
	w.playRegistry()
	w.playProvider(s.provider)
	s.rewards, s.epoch, s.tree = w.playEpoch()
	w.playFailedEpoch(s.rewards)
	s.channels = w.playChannels(s.rewards)
	w.settle()
	return s
}

func (w *world) playJobs(p cocoon.Account) map[string]cocoon.Account {
	w.putWorker(p, "w1", 1)
	w.putWorker(p, "w1", 2)
	w.putWorker(p, "w2", 1)
	jobs := map[string]cocoon.Account{}
	for _, name := range []string{"approved", "finished", "cancelled", "expired", "slashed", "refused", "open"} {
		o := w.offer()
		if name == "refused" {
			o.Money.MinBond = wrappers.Coins{Nano: cocoon.TON(5)}
		}
		jobs[name] = w.openJob(o)
	}
	for _, name := range []string{"approved", "finished", "slashed", "refused"} {
		w.accept(p, jobs[name])
	}
	w.settle()
	w.playDisputes(p, jobs)
	w.deliver(jobs["approved"], "w1")
	w.deliver(jobs["finished"], "w1")
	w.deliver(jobs["slashed"], "w2") // not the one that accepted
	w.send(jobs["approved"], cocoon.TON(1), nil, body(wrappers.Approve{}))
	w.send(jobs["cancelled"], cocoon.TON(1), nil, body(wrappers.Cancel{}))
	w.advance(61)
	w.send(jobs["finished"], cocoon.TON(1), nil, body(wrappers.Finish{Response: w.me}))
	w.send(jobs["defaulted"], cocoon.TON(1), nil, body(wrappers.Finish{Response: w.me}))
	w.send(jobs["slashed"], cocoon.TON(1), nil, body(wrappers.Expire{Response: w.me}))
	w.advance(600)
	w.send(jobs["expired"], cocoon.TON(1), nil, body(wrappers.Expire{Response: w.me}))
	w.send(jobs["approved"], cocoon.TON(1), nil, nil)
	w.send(jobs["approved"], cocoon.TON(1), nil, body(wrappers.Finish{Response: w.me}))
	w.settle()
	return jobs
}

// playDisputes adds jobs that are disputed: one is ruled on, one is left to the
// default by its arbiter, one has none, and one waits.
func (w *world) playDisputes(p cocoon.Account, jobs map[string]cocoon.Account) {
	names := []string{"ruled", "defaulted", "without arbiter", "disputed"}
	for _, name := range names {
		o := w.offer()
		o.Money.Deposit, o.Money.DefaultBps, o.Money.Arbiter = wrappers.Coins{Nano: cocoon.NanoOf(100_000_001)}, 3_333, w.me
		switch name {
		case "without arbiter":
			o.Money.Arbiter = cocoon.Account{}
		case "disputed":
			o.Money.Arbitration = 30 * 86400
		default:
			o.Money.Arbitration = 60
		}
		jobs[name] = w.openJob(o)
		w.accept(p, jobs[name])
	}
	w.settle()
	for _, name := range names {
		w.deliver(jobs[name], "w1")
		w.send(jobs[name], cocoon.TON(1), nil, body(wrappers.Dispute{}))
	}
	w.settle()
	w.send(jobs["ruled"], cocoon.TON(1), nil, body(wrappers.Rule{PayBps: 2_499, BondBps: 3_333}))
	w.settle()
}

func (w *world) playRegistry() {
	announce := func(a wrappers.Announce) { w.send(w.registry, cocoon.TON(2), nil, body(a)) }
	announce(must(wrappers.AnnounceImage(1, [32]byte{7}, wrappers.ImageData{Name: "image"})))
	announce(wrappers.AnnounceGuardian(2, w.me))
	announce(must(wrappers.AnnounceModel(3, wrappers.ModelData{MinVRAMMiB: 5, Name: "other"})))
	w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Retract{Change: 1}))
	w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Suspend{Kind: wrappers.ChangeModel, Key: cocoon.NewModelID(model)}))
	w.advance(31)
	for _, change := range []uint32{0, 2, 1} { // the last one is gone
		w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Apply{Change: change}))
	}
	w.settle()
}

func (w *world) playProvider(p cocoon.Account) {
	amount := func(n uint64) wrappers.Coins { return wrappers.Coins{Nano: cocoon.TON(n)} }
	w.send(p, cocoon.TON(3), nil, cell.BeginCell().MustStoreUInt(0x4ecb2892, 32).MustStoreUInt(1, 64).MustStoreBigCoins(cocoon.TON(2).Big()).MustStoreUInt(5, 7).EndCell())
	w.send(p, cocoon.TON(1), nil, cell.BeginCell().MustStoreUInt(0x12345678, 32).EndCell())
	w.retireWorker(p, "w2")
	w.send(p, cocoon.TON(1), nil, body(wrappers.RequestUnstake{Amount: amount(2)}))
	w.send(p, cocoon.TON(1), nil, body(wrappers.RequestUnstake{Amount: amount(100)}))
	w.advance(60)
	w.send(p, cocoon.TON(1), nil, body(wrappers.RequestUnstake{Amount: amount(1)}))
	w.send(p, cocoon.TON(1), nil, body(wrappers.Withdraw{Amount: amount(1)}))
	w.advance(unbonding - 30)
	w.send(p, cocoon.TON(1), nil, body(wrappers.Withdraw{Amount: amount(2)}))
	w.send(p, cocoon.TON(1), nil, body(wrappers.Prune{Response: w.me, Worker: wrappers.PublicKey(testKey("w2"))}))
	w.putWorker(p, "w3", 1)
	w.send(p, cocoon.TON(10), nil, body(wrappers.RefreshTerms{Hash: [32]byte{1}})) // terms nobody published
	w.settle()
}

func (w *world) playEpoch() (rewards, epoch cocoon.Account, tree *wrappers.EpochTree) {
	rewards, epoch, tree = w.openEpoch(leaves(5))
	w.settle()
	publish := func(from, count int) {
		w.send(epoch, cocoon.TON(1), nil, body(wrappers.Publish{Response: w.me, From: uint32(from), Count: uint16(count), Page: must(tree.Proof(from, count))}))
	}
	publish(0, 3)
	publish(3, 2)
	w.advance(window + 1)
	w.send(epoch, cocoon.TON(1), nil, body(wrappers.Pass{Response: w.me}))
	w.send(epoch, cocoon.TON(1), nil, body(wrappers.Claim{Response: w.me, Index: 3, Proof: must(tree.Proof(3, 1))}))
	w.send(epoch, cocoon.TON(1), nil, body(wrappers.Push{Response: w.me, Count: 2, Page: must(tree.Proof(0, 2))}))
	w.settle()
	return rewards, epoch, tree
}

// playFailedEpoch opens the second epoch, which is never published.
func (w *world) playFailedEpoch(rewards cocoon.Account) {
	tree := must(wrappers.NewEpochTree(leaves(2)))
	open := wrappers.OpenEpoch{Root: tree.Root(), Total: wrappers.Coins{Nano: tree.Total()}, Count: 2}
	w.send(rewards, cocoon.TON(5), nil, body(open))
	w.settle()
	failing := must(wrappers.EpochBirth{Rewards: rewards, Number: 2}.Account())
	w.advance(21)
	w.send(failing, cocoon.TON(1), nil, body(wrappers.Fail{Response: w.me}))
	w.settle()
	amount := func(n uint64) wrappers.Coins { return wrappers.Coins{Nano: cocoon.TON(n)} }
	w.send(rewards, cocoon.TON(3), nil, body(wrappers.Fund{Amount: amount(1), Response: w.me}))
	w.send(rewards, cocoon.TON(1), nil, body(wrappers.RequestUnbond{Amount: amount(4)}))
	w.advance(unbonding + 1)
	w.send(rewards, cocoon.TON(1), nil, body(wrappers.Withdraw{Amount: amount(1)}))
	w.send(rewards, cocoon.TON(1), nil, body(wrappers.Appoint{Operator: payee}))
}

// finish ends the first epoch.
func (w *world) finish(s story) {
	w.t.Helper()
	w.send(s.epoch, cocoon.TON(1), nil, body(wrappers.Push{Response: w.me, From: 2, Count: 3, Page: must(s.tree.Proof(2, 3))}))
	w.send(s.epoch, cocoon.TON(1), nil, body(wrappers.Finish{Response: w.me}))
	w.settle()
}

// dump is the log and every table made from it, as text: the same for either database.
func dump(t *testing.T, x *Indexer, tables ...string) (all []string) {
	t.Helper()
	for _, table := range tables {
		rows, err := x.store.read.QueryContext(t.Context(), `SELECT * FROM `+table)
		require.NoError(t, err)
		names, err := rows.Columns()
		require.NoError(t, err)
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		var lines []string
		for rows.Next() {
			require.NoError(t, rows.Scan(into...))
			line := table + ":"
			for i, name := range names {
				if _, blob := values[i].([]byte); blob {
					line += fmt.Sprintf(" %s=x%x", name, values[i])
				} else {
					line += fmt.Sprintf(" %s=%v", name, values[i])
				}
			}
			lines = append(lines, line)
		}
		require.NoError(t, rows.Err())
		rows.Close()
		slices.Sort(lines)
		all = append(all, lines...)
	}
	return all
}

// forged is doc with a value of its own in the place that field names, as in "endpoint.url".
func forged(doc json.RawMessage, field, value string) json.RawMessage {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		panic(err)
	}
	if first, rest, deeper := strings.Cut(field, "."); deeper {
		fields[first] = forged(fields[first], rest, value)
	} else {
		fields[field] = must(json.Marshal(value))
	}
	return must(json.Marshal(fields))
}

// lie puts a value of its own into the JSON of each row of a table.
func lie(t *testing.T, x *Indexer, table, field, value string) {
	t.Helper()
	docs := map[int64]string{}
	rows, err := x.store.read.QueryContext(t.Context(), `SELECT seq, doc FROM `+table)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var doc string
		require.NoError(t, rows.Scan(&seq, &doc))
		docs[seq] = doc
	}
	require.NoError(t, rows.Err())
	for seq, doc := range docs {
		_, err = x.store.write.ExecContext(t.Context(), `UPDATE ? SET doc = ? WHERE seq = ?`, bun.Ident(table), string(forged(json.RawMessage(doc), field, value)), seq)
		require.NoError(t, err)
	}
}

// unchanged is what no version of the program has ever changed, logged all that is not
// made from it by the rules of today.
var (
	unchanged = []string{"events", "contracts"}
	logged    = append(slices.Clone(unchanged), "links")
)
