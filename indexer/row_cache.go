package indexer

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// stateTables are the projections that have a row for each contract of a kind.
var stateTables = map[wrappers.Kind]string{wrappers.KindRegistry: "registries", wrappers.KindProvider: "providers", wrappers.KindJob: "jobs",
	wrappers.KindChannel: "channels", wrappers.KindRewards: "rewards", wrappers.KindEpoch: "epochs"}

// stateColumns are what such a table has beside seq, account and doc, to find rows by.
var stateColumns = map[string][]string{"jobs": {"status", "client", "provider"}, "channels": {"client", "rewards", "closed"}, "epochs": {"opened", "rewards"}}

// indexed is a state of which the table has stateColumns.
type indexedState interface{ columns() []any }

// place is where the state of a contract lies.
type place struct {
	table   string
	account cocoon.Account
}

// kept is the row of a contract as a page of events has left it.
type kept struct {
	seq     uint64
	doc     string
	columns []any
	changed bool
}

// rowCache holds the rows that a page of events reads and changes, so that each
// is read and written once however often it changes, many with one statement.
// Nothing but its projector may read those rows until flush has written them.
type rowCache struct {
	docs   map[place]*kept
	purses map[cocoon.Account]*purse
	births map[cocoon.Account]uint64 // seq of the birth, 0 of what is not ours
	links  map[cocoon.Account]*link
	money  *market.Money

	rollups map[rollupKey]*rolled
	tally   tally // of the present event
}

func newProjector(tx bun.Tx) projector {
	return projector{tx, &rowCache{docs: map[place]*kept{}, purses: map[cocoon.Account]*purse{}, births: map[cocoon.Account]uint64{}, links: map[cocoon.Account]*link{},
		rollups: map[rollupKey]*rolled{}}}
}

// flush writes what has changed; the projector is of no use after it.
func (p projector) flush(ctx context.Context) error {
	for _, write := range []func(context.Context) error{p.flushDocs, p.flushPurses, p.flushLinks, p.flushRollups} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	if p.rows.money == nil {
		return nil
	}
	return p.writeMoney(ctx, *p.rows.money)
}

func (p projector) flushDocs(ctx context.Context) error {
	for _, table := range slices.Sorted(maps.Values(stateTables)) {
		u := upsert{table: table, key: []string{"account"}, columns: slices.Concat([]string{"account", "seq"}, stateColumns[table], []string{"doc"})}
		for at, k := range p.rows.docs {
			if at.table == table && k.changed {
				u.rows = append(u.rows, slices.Concat([]any{at.account[:], k.seq}, k.columns, []any{k.doc}))
			}
		}
		slices.SortFunc(u.rows, func(a, b []any) int { return cmp.Compare(a[1].(uint64), b[1].(uint64)) })
		if err := u.run(ctx, p.tx); err != nil {
			return err
		}
	}
	return nil
}

// recall is the state of the contract at a; NotFound where there is none.
func recall[T any](p projector, table string, a cocoon.Account) (state T, err error) {
	k := p.rows.docs[place{table, a}]
	if k == nil {
		return state, cocoon.NotFound.Errorf("%s is not among the %s", a, table)
	}
	return state, json.Unmarshal([]byte(k.doc), &state)
}

// keep remembers the state of the contract at a, which was recalled or is new.
func (p projector) keep(table string, a cocoon.Account, state any) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return err
	}
	k := p.rows.docs[place{table, a}]
	k.doc, k.changed = string(doc), true
	if s, ok := state.(indexedState); ok {
		k.columns = s.columns()
	}
	return nil
}

// birthOf is the seq at which the contract was born whose state a rule has.
func (p projector) birthOf(o *occurrence) uint64 {
	return p.rows.docs[place{stateTables[wrappers.Kind(o.Contract)], o.Account}].seq
}

// purse is what was booked of a.
func (p projector) purse(a cocoon.Account) purse {
	if held := p.rows.purses[a]; held != nil {
		return *held
	}
	return purse{}
}

func (p projector) flushPurses(ctx context.Context) error {
	u := upsert{table: "balances", key: []string{"account"}, columns: []string{"account", "received", "sent", "fees"}}
	for account, held := range p.rows.purses {
		u.rows = append(u.rows, []any{account[:], held.received.Text(), held.sent.Text(), held.fees.Text()})
	}
	return u.run(ctx, p.tx)
}

// within says whether a was one of our contracts at the time of event seq.
func (p projector) within(a cocoon.Account, seq uint64) bool {
	born := p.rows.births[a]
	return born != 0 && born <= seq
}
