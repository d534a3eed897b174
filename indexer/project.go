package indexer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// projectionVersion grows with every change of the rules in this package that
// turn events into tables; Open rebuilds tables that other rules have made.
const projectionVersion = 6

// projector applies events to the tables, each by the rule of the contract that
// took it. It reads nothing but the event and the tables.
type projector struct {
	tx   bun.Tx
	rows *rowCache
}

// project applies one event.
func (p projector) project(ctx context.Context, o *occurrence) error {
	p.rows.tally = tally{}
	if o.birth != nil {
		p.rows.births[o.Account] = o.Seq
	}
	if err := p.book(ctx, o); err != nil {
		return fmt.Errorf("book: %w", err)
	}
	if o.birth != nil {
		if err := p.bear(o); err != nil {
			return fmt.Errorf("birth: %w", err)
		}
	}
	born := p.rows.tally
	err := p.applyTaken(ctx, o)
	if errors.Is(err, errUnread) {
		p.rows.tally = born // what was noted since did not come to pass
	} else if err != nil {
		return err
	}
	return errors.Join(err, p.roll(ctx, o))
}

// applyTaken changes nothing by what the contract refused or what says nothing.
func (p projector) applyTaken(ctx context.Context, o *occurrence) error {
	if !o.OK || o.Name == transfer {
		return nil
	}
	err := p.apply(ctx, o)
	if errors.Is(err, cocoon.ErrOverflow) {
		return fmt.Errorf("%w: it follows one that was not: %w", errUnread, err)
	}
	return err
}

// apply changes what the contract's rule says.
func (p projector) apply(ctx context.Context, o *occurrence) error {
	switch wrappers.Kind(o.Contract) {
	case wrappers.KindRegistry:
		return change(ctx, p, o, p.registry)
	case wrappers.KindProvider:
		return change(ctx, p, o, p.provider)
	case wrappers.KindJob:
		return change(ctx, p, o, p.job)
	case wrappers.KindChannel:
		return change(ctx, p, o, p.channel)
	case wrappers.KindRewards:
		return change(ctx, p, o, p.rewards)
	case wrappers.KindEpoch:
		return change(ctx, p, o, p.epoch)
	}
	return cocoon.Internal.Errorf("no rule for a %s", o.Contract)
}

// bear enters the state that birth data stands for.
func (p projector) bear(o *occurrence) error {
	switch o.birth.kind {
	case wrappers.KindRegistry:
		return born(p, o, wrappers.DecodeRegistry, registryStateOf)
	case wrappers.KindProvider:
		return born(p, o, wrappers.DecodeProvider, providerStateOf)
	case wrappers.KindRewards:
		return born(p, o, wrappers.DecodeRewards, rewardsStateOf)
	case wrappers.KindJob:
		return born(p, o, wrappers.DecodeJob, func(j wrappers.Job) jobRecord { return jobRecord{jobState: jobStateOf(j)} })
	case wrappers.KindChannel:
		p.rows.tally.flows.ChannelsOpened = 1
		return born(p, o, wrappers.DecodeChannel, func(c wrappers.Channel) channelRecord {
			return channelRecord{channelState: channelStateOf(c), OpenedAt: o.Time}
		})
	case wrappers.KindEpoch:
		return born(p, o, wrappers.DecodeEpoch, epochStateOf)
	}
	return cocoon.Internal.Errorf("no table for a %s", o.birth.kind)
}

// born enters the first state of a contract, which its birth data decodes to.
func born[D, S any](p projector, o *occurrence, decode func(*cell.Cell) (D, error), stateOf func(D) S) error {
	d, err := decode(o.birth.data)
	if err != nil {
		return err
	}
	table := stateTables[o.birth.kind]
	p.rows.docs[place{table, o.Account}] = &kept{seq: o.Seq}
	return p.keep(table, o.Account, stateOf(d))
}

// errUnread says that a contract took a message of which the program cannot
// read what changed: one made with care, or one for a newer contract. It is
// logged and leaves the projection as it was, since whoever could stop the
// indexer with a message would; Audit shows what was missed.
var errUnread = errors.New("not read")

// change applies a rule to the state of the contract an event happened to.
func change[T any](ctx context.Context, p projector, o *occurrence, rule func(context.Context, *occurrence, *T) error) error {
	table := stateTables[wrappers.Kind(o.Contract)]
	state, err := recall[T](p, table, o.Account)
	if err != nil {
		return err
	}
	before := state
	if err = rule(ctx, o, &state); err != nil {
		return err
	}
	if err = p.rows.tally.compare(before, state); err != nil {
		return err
	}
	return p.keep(table, o.Account, state)
}

// load reads the state of the contract at a, NotFound where there is none.
func load[T any](ctx context.Context, db bun.IDB, table string, a cocoon.Account) (state T, err error) {
	doc, err := readDoc(ctx, db, table, a)
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal([]byte(doc), &state)
}

func readDoc(ctx context.Context, db bun.IDB, table string, a cocoon.Account) (doc string, err error) {
	err = db.QueryRowContext(ctx, `SELECT doc FROM ? WHERE account = ?`, bun.Ident(table), a[:]).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		err = cocoon.NotFound.Errorf("%s is not among the %s", a, table)
	}
	return doc, err
}
