package indexer

import (
	"encoding/json"

	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// stateOf is proven storage in the form that documents have.
func stateOf(kind wrappers.Kind, data *cell.Cell) (any, error) {
	switch kind {
	case wrappers.KindRegistry:
		r, err := wrappers.DecodeRegistry(data)
		return registryStateOf(r), err
	case wrappers.KindProvider:
		p, err := wrappers.DecodeProvider(data)
		return providerStateOf(p), err
	case wrappers.KindJob:
		j, err := wrappers.DecodeJob(data)
		if err != nil {
			return nil, err
		}
		return jobStateOf(j), nil
	case wrappers.KindChannel:
		c, err := wrappers.DecodeChannel(data)
		return channelStateOf(c), err
	case wrappers.KindRewards:
		r, err := wrappers.DecodeRewards(data)
		return rewardsStateOf(r), err
	case wrappers.KindEpoch:
		e, err := wrappers.DecodeEpoch(data)
		return epochStateOf(e), err
	}
	return nil, cocoon.Internal.Errorf("no state of a %s", kind)
}

// tableOf is where the documents of a kind lie.
var tableOf = map[wrappers.Kind]string{wrappers.KindRegistry: "registries", wrappers.KindProvider: "providers", wrappers.KindJob: "jobs",
	wrappers.KindChannel: "channels", wrappers.KindRewards: "rewards", wrappers.KindEpoch: "epochs"}

func (a *auditor) compareDoc(c audited, state any) error {
	var doc string
	if err := a.tx.QueryRowContext(a.ctx, `SELECT doc FROM ? WHERE account = ?`, bun.Ident(tableOf[c.kind]), c.account[:]).Scan(&doc); err != nil {
		return err
	}
	proven, err := json.Marshal(state)
	if err != nil {
		return err
	}
	var indexed, chained map[string]json.RawMessage
	if err = json.Unmarshal([]byte(doc), &indexed); err != nil {
		return err
	}
	if err = json.Unmarshal(proven, &chained); err != nil {
		return err
	}
	for field, value := range chained { // a document may remember more
		a.note(c, field, string(indexed[field]), string(value))
	}
	return nil
}
