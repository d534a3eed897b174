package indexer

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Rewards are all rewards contracts in the order of their births.
func (x *Indexer) Rewards(ctx context.Context) ([]market.Rewards, error) {
	return items(x.rewards(ctx, span{}, nil))
}

// RewardsAt is the rewards contract at a; NotFound where there is none.
func (x *Indexer) RewardsAt(ctx context.Context, a cocoon.Account) (market.Rewards, error) {
	list, err := x.rewards(ctx, span{limit: 1}, &a)
	return only(list, err, "rewards contract", a)
}

func (x *Indexer) rewards(ctx context.Context, s span, a *cocoon.Account) ([]numbered[market.Rewards], error) {
	return collect(ctx, x.store, narrowed(x.fromStates("rewards"), "t.account", a), "t.seq", s, func(rows *sql.Rows) (uint64, market.Rewards, error) {
		r, err := scanState[rewardsState](rows)
		if err != nil {
			return r.seq, market.Rewards{}, err
		}
		told := rewardsTold(r.account, r.state)
		told.Pot, err = rest(r.purse, r.state.Bond, r.state.Unbonding)
		return r.seq, told, err
	})
}

// rewardsTold is what readers see of a contract, but for its pot.
func rewardsTold(a cocoon.Account, t rewardsState) market.Rewards {
	r := market.Rewards{Account: a, Owner: t.Owner, NextOwner: t.NextOwner, Heir: t.Heir, Index: t.Index, Operator: t.Operator, SeenAt: t.SeenAt,
		Bond: t.Bond, Unbonding: t.Unbonding, Number: t.Number, Attempt: t.Attempt, Pending: t.Pending, Owed: t.Owed,
		Terms: t.TermsHash.text(), Tranches: t.Tranches.told(),
		ReceiptKey: t.Keys.of(t.Number).text()}
	if t.Keys.NextFrom > t.Number {
		r.NextKey, r.NextKeyFrom = t.Keys.Next.text(), t.Keys.NextFrom
	}
	if t.Endpoint != nil {
		r.Endpoint = &market.Endpoint{URL: t.Endpoint.URL, TLSKeyHash: hex.EncodeToString(t.Endpoint.TLSKeyHash[:])}
	}
	return r
}

// epochFilter narrows a list of epochs; nil does not count.
type epochFilter struct{ account, rewards *cocoon.Account }

// Epochs are all epochs ever opened, in the order of their births.
func (x *Indexer) Epochs(ctx context.Context) ([]market.Epoch, error) {
	return items(x.epochs(ctx, span{}, epochFilter{}))
}

// Epoch is the epoch at a; NotFound where none was opened.
func (x *Indexer) Epoch(ctx context.Context, a cocoon.Account) (market.Epoch, error) {
	list, err := x.epochs(ctx, span{limit: 1}, epochFilter{account: &a})
	return only(list, err, "opened epoch", a)
}

func (x *Indexer) epochs(ctx context.Context, s span, f epochFilter) ([]numbered[market.Epoch], error) {
	q := narrowed(narrowed(x.fromStates("epochs"), "t.account", f.account), "t.rewards", f.rewards).Where("t.opened = 1").
		ColumnExpr("(SELECT '[' || coalesce(string_agg(CAST(idx AS TEXT), ',' ORDER BY idx), '') || ']' FROM leaves WHERE epoch = t.seq AND claimed = 1)")
	return collect(ctx, x.store, q, "t.seq", s, func(rows *sql.Rows) (uint64, market.Epoch, error) {
		var claimed string
		r, err := scanState[epochState](rows, &claimed)
		if err != nil {
			return r.seq, market.Epoch{}, err
		}
		t := r.state
		e := market.Epoch{Account: r.account, Rewards: t.Rewards, Number: t.Number, Attempt: t.Attempt, Phase: t.Phase.String(), Until: t.Until,
			Root: t.Opened.Root.text(), Total: t.Opened.Total, Count: t.Opened.Count, Pushed: t.Cursor, Paid: t.Paid}
		if t.Phase == wrappers.EpochFailed {
			e.Proven = t.Last
		}
		return r.seq, e, json.Unmarshal([]byte(claimed), &e.Claimed)
	})
}

// Leaves are up to limit of an epoch's published leaves from index from on; a
// limit of 0 is all.
func (x *Indexer) Leaves(ctx context.Context, epoch cocoon.Account, from uint32, limit int) ([]market.Leaf, error) {
	return items(x.leaves(ctx, epoch, span{uint64(from), limit}))
}

// leaves are numbered by the index that follows theirs; s begins with an index.
func (x *Indexer) leaves(ctx context.Context, epoch cocoon.Account, s span) ([]numbered[market.Leaf], error) {
	q := x.store.read.NewSelect().TableExpr("leaves AS l").Join("JOIN epochs AS e ON e.seq = l.epoch").
		ColumnExpr("l.idx, l.provider, l.amount, l.requests, l.tokens, l.failures, l.uptime, l.p50").Where("e.account = ? AND l.idx >= ?", epoch[:], s.after)
	return collect(ctx, x.store, q, "l.idx", span{limit: s.limit}, func(rows *sql.Rows) (number uint64, l market.Leaf, err error) {
		var provider []byte
		var amount, tokens string
		if err = rows.Scan(&l.Index, &provider, &amount, &l.Requests, &tokens, &l.Failures, &l.Uptime, &l.P50); err != nil {
			return 0, l, err
		}
		number, l.Provider = uint64(l.Index)+1, cocoon.Account(provider)
		if l.Tokens, err = strconv.ParseUint(tokens, 10, 64); err != nil {
			return number, l, err
		}
		l.Amount, err = cocoon.ParseNano(amount)
		return number, l, err
	})
}
