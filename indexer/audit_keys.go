package indexer

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// compareKeys compares the columns that lists are filtered and ordered by, which
// repeat what documents say.
func (a *auditor) compareKeys(c audited, data *cell.Cell) error {
	switch c.kind {
	case wrappers.KindJob:
		return a.jobKeys(c, data)
	case wrappers.KindChannel:
		return a.channelKeys(c, data)
	case wrappers.KindEpoch:
		return a.epochKeys(c, data)
	}
	return nil
}

func (a *auditor) jobKeys(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeJob(data)
	if err != nil {
		return err
	}
	var status, doc string
	var client, provider []byte
	row := a.tx.QueryRowContext(a.ctx, `SELECT status, client, provider, doc FROM jobs WHERE account = ?`, c.account[:])
	if err = row.Scan(&status, &client, &provider, &doc); err != nil {
		return err
	}
	var told jobRecord
	if err = json.Unmarshal([]byte(doc), &told); err != nil {
		return err
	}
	var bound []byte
	if state.Bound != nil {
		bound = state.Bound.Provider[:]
	}
	told.jobState = jobStateOf(state) // how it ended is not in the state, where it stands is
	a.note(c, "status", status, string(told.status()))
	a.note(c, "keys", fmt.Sprintf("client %x provider %x", client, provider), fmt.Sprintf("client %x provider %x", state.Offer.Client[:], bound))
	return nil
}

func (a *auditor) channelKeys(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeChannel(data)
	if err != nil {
		return err
	}
	var client, rewards []byte
	var closed bool
	row := a.tx.QueryRowContext(a.ctx, `SELECT client, rewards, closed FROM channels WHERE account = ?`, c.account[:])
	if err = row.Scan(&client, &rewards, &closed); err != nil {
		return err
	}
	const line = "client %x rewards %x closed %t"
	a.note(c, "keys", fmt.Sprintf(line, client, rewards, closed), fmt.Sprintf(line, state.Birth.Client[:], state.Birth.Rewards[:], state.Closed))
	return nil
}

func (a *auditor) epochKeys(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeEpoch(data)
	if err != nil {
		return err
	}
	var rewards []byte
	var opened bool
	if err = a.tx.QueryRowContext(a.ctx, `SELECT rewards, opened FROM epochs WHERE account = ?`, c.account[:]).Scan(&rewards, &opened); err != nil {
		return err
	}
	const line = "rewards %x opened %t"
	a.note(c, "keys", fmt.Sprintf(line, rewards, opened), fmt.Sprintf(line, state.Birth.Rewards[:], state.Opened != nil))
	if state.Opened == nil || state.Published != state.Opened.Count {
		return nil
	}
	return a.compareTree(c, state.Opened.Root)
}

// compareTree compares the leaves of an epoch that is published whole with the
// root it was opened with.
func (a *auditor) compareTree(c audited, root [32]byte) error {
	rows, err := a.tx.QueryContext(a.ctx, `SELECT provider, amount, requests, tokens, failures, uptime, p50 FROM leaves WHERE epoch = ? ORDER BY idx`, c.seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	var leaves []wrappers.Leaf
	for rows.Next() {
		var l wrappers.Leaf
		var provider []byte
		var amount, tokens string
		if err = rows.Scan(&provider, &amount, &l.Requests, &tokens, &l.Failures, &l.UptimeBps, &l.P50Ms); err != nil {
			return err
		}
		copy(l.Provider[:], provider)
		if l.Amount.Nano, err = cocoon.ParseNano(amount); err != nil {
			return err
		}
		if l.Tokens, err = strconv.ParseUint(tokens, 10, 64); err != nil {
			return err
		}
		leaves = append(leaves, l)
	}
	if err = rows.Err(); err != nil {
		return err
	}
	indexed := ""
	if tree, err := wrappers.NewEpochTree(leaves); err != nil {
		indexed = err.Error()
	} else {
		indexed = fmt.Sprintf("%x", tree.Root())
	}
	a.note(c, "tree", indexed, fmt.Sprintf("%x", root))
	return nil
}

// compareMoney compares what all contracts hold together with the sum of their
// proven balances, and the four sums with each other. It is noted as the
// registry's, which is one of them.
func (a *auditor) compareMoney(registry cocoon.Account, held cocoon.Nano) error {
	m, err := readMoney(a.ctx, a.tx)
	if err != nil {
		return err
	}
	c := audited{account: registry, kind: wrappers.KindRegistry}
	a.note(c, "money held", m.Held.Text(), held.Text())
	spent, err := m.Paid.Add(m.Fees)
	if err != nil {
		return err
	}
	if spent, err = spent.Add(held); err != nil {
		return err
	}
	a.note(c, "money received", m.Received.Text(), spent.Text())
	return nil
}
