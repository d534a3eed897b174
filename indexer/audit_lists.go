package indexer

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

// compareWorkers compares a provider's workers, one line each.
func (a *auditor) compareWorkers(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeProvider(data)
	if err != nil {
		return err
	}
	var proven []string
	for _, w := range state.Workers {
		proven = append(proven, workerLine(w.Key[:], w.RetiredAt, uint32(w.GPUs), w.Slashed, w.Record))
	}
	rows, err := a.tx.QueryContext(a.ctx, `SELECT key, retired_at, gpus, slashed, record FROM workers WHERE provider = ? ORDER BY key`, c.account[:])
	if err != nil {
		return err
	}
	defer rows.Close()
	var indexed []string
	for rows.Next() {
		var key, record []byte
		var retiredAt, gpus uint32
		var slashed bool
		if err = rows.Scan(&key, &retiredAt, &gpus, &slashed, &record); err != nil {
			return err
		}
		parsed, err := cell.FromBOC(record)
		if err != nil {
			return err
		}
		indexed = append(indexed, workerLine(key, retiredAt, gpus, slashed, parsed))
	}
	a.note(c, "workers", strings.Join(indexed, "\n"), strings.Join(proven, "\n"))
	return rows.Err()
}

func workerLine(key []byte, retiredAt, gpus uint32, slashed bool, record *cell.Cell) string {
	return fmt.Sprintf("%x retired %d gpus %d slashed %t record %x", key, retiredAt, gpus, slashed, record.Hash())
}

// compareLeaves compares which leaves were claimed; a finished epoch has forgotten it.
func (a *auditor) compareLeaves(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeEpoch(data)
	if err != nil || state.Phase == wrappers.EpochFinished {
		return err
	}
	rows, err := a.tx.QueryContext(a.ctx, `SELECT idx, claimed FROM leaves WHERE epoch = ? ORDER BY idx`, c.seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	published := uint32(0)
	for ; rows.Next(); published++ {
		var index uint32
		var claimed bool
		if err = rows.Scan(&index, &claimed); err != nil {
			return err
		}
		if index != published || claimed != state.Claimed(index) {
			a.note(c, fmt.Sprintf("leaf %d", published), fmt.Sprintf("leaf %d claimed %t", index, claimed), fmt.Sprintf("leaf %d claimed %t", published, state.Claimed(index)))
		}
	}
	a.note(c, "leaves", fmt.Sprint(published), fmt.Sprint(state.Published))
	return rows.Err()
}

// compareLists compares what the registry lists, one line each.
func (a *auditor) compareLists(c audited, data *cell.Cell) error {
	state, err := wrappers.DecodeRegistry(data)
	if err != nil {
		return err
	}
	var proven []string
	for kind, list := range [][]wrappers.Listed{wrappers.ChangeModel: state.Models, wrappers.ChangeImage: state.Images, wrappers.ChangeCode: state.Codes} {
		for _, l := range list {
			proven = append(proven, listingLine(kind, l.Key[:], l.SuspendedUntil, l.Data))
		}
	}
	rows, err := a.tx.QueryContext(a.ctx, `SELECT kind, key, suspended, data FROM listings ORDER BY kind, key`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var indexed []string
	for rows.Next() {
		var kind int
		var key, data []byte
		var suspended uint32
		if err = rows.Scan(&kind, &key, &suspended, &data); err != nil {
			return err
		}
		parsed, err := cell.FromBOC(data)
		if err != nil {
			return err
		}
		indexed = append(indexed, listingLine(kind, key, suspended, parsed))
	}
	a.note(c, "lists", strings.Join(indexed, "\n"), strings.Join(proven, "\n"))
	return rows.Err()
}

func listingLine(kind int, key []byte, suspended uint32, data *cell.Cell) string {
	return fmt.Sprintf("%d %s until %d data %x", kind, hex.EncodeToString(key), suspended, data.Hash())
}
