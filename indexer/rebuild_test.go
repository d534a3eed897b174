package indexer

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

var rebuildEvents = flag.Int("rebuild-events", 100_000, "events in the log of TestRebuild_OfALongLogMakesTheSameTables; on PostgreSQL a tenth of them")

// stories repeats the log of one market under other addresses until there are n events.
type stories struct {
	told []occurrence
	copy uint64
	at   cursor
}

func tell(t *testing.T, x *Indexer) *stories {
	t.Helper()
	s := &stories{}
	require.NoError(t, x.store.read.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		var rows []replayRow
		if err := tx.NewSelect().Model(&rows).ColumnExpr("e.*, c.birth").Join("LEFT JOIN contracts AS c ON c.seq = e.seq").OrderExpr("e.seq").Scan(ctx); err != nil {
			return err
		}
		for i := range rows {
			s.told = append(s.told, must(rows[i].occurrence()))
		}
		return nil
	}))
	return s
}

func (s *stories) elsewhere(a cocoon.Account) cocoon.Account {
	binary.BigEndian.PutUint64(a[8:], binary.BigEndian.Uint64(a[8:])^s.copy)
	return a
}

// next is the story once more, as one block.
func (s *stories) next() *batch {
	s.copy++
	b := &batch{from: s.at, to: cursor{seqno: s.at.seqno + 1, events: s.at.events}}
	for _, o := range s.told {
		b.to.events++
		hash := must(hex.DecodeString(o.Tx))
		binary.BigEndian.PutUint64(hash, s.copy<<32|b.to.events)
		o.Seq, o.Seqno, o.Tx, o.Account, o.From = b.to.events, b.to.seqno, fmt.Sprintf("%x", hash), s.elsewhere(o.Account), s.elsewhere(o.From)
		b.occurrences = append(b.occurrences, o)
	}
	s.at = b.to
	return b
}

func TestRebuild_OfALongLogMakesTheSameTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.finish(w.play())
	source := w.open(newPath(t))
	w.follow(source)
	s := tell(t, source)
	path := newPath(t)
	x := w.open(path)
	for events := *rebuildEvents; events > 0; events -= len(s.told) {
		if onPostgres(path) {
			events -= 9 * len(s.told)
		}
		require.NoError(t, x.commit(t.Context(), s.next()))
	}
	live := dump(t, x, projected...)
	require.NotEmpty(t, live)
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, live, dump(t, x, projected...))
}
