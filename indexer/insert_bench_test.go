package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchRows is n rows like those of a market, from seq on.
func benchRows(seq uint64, n int) []eventRow {
	rows := make([]eventRow, n)
	for i := range rows {
		seq++
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seq))
		account := sha256.Sum256(hash[:1]) // one of 256
		rows[i] = eventRow{Seq: seq, Seqno: uint32(seq / 3), Time: uint32(seq), LT: seq * 1_000_000, Tx: hash[:], Contract: "provider", Account: account[:], Sender: hash[:],
			Name: "accept_job", OK: true, Value: "1000000000", Fees: "12345678", Body: make([]byte, 150), Data: `{"job":"0:00","bond":"1000000000","until":1}`, Out: `[]`}
	}
	return rows
}

// BenchmarkInsert is rows/s into the log, with lease and cursor in the same
// transaction, at the sizes of a live block and of catch-up batches.
func BenchmarkInsert(b *testing.B) {
	type insert func(context.Context, transaction, []eventRow) error
	for _, rows := range []int{3, 16, 32, 50, 500} {
		b.Run(fmt.Sprintf("sqlite/rows=%d/multi-row", rows), func(b *testing.B) { benchInsert(b, b.TempDir()+"/index.db", rows, sqlite{}.insert) })
		for _, way := range []struct {
			name string
			do   insert
		}{{"multi-row", sqlite{}.insert}, {"unnest", insertArrays}, {"copy", insertCopy}} {
			b.Run(fmt.Sprintf("postgres/rows=%d/%s", rows, way.name), func(b *testing.B) { benchInsert(b, newPostgresDatabase(b), rows, way.do) })
		}
	}
}

func benchInsert(b *testing.B, path string, n int, insert func(context.Context, transaction, []eventRow) error) {
	s, err := openStore(b.Context(), configAt(path, treasury, nil))
	require.NoError(b, err)
	defer func() { _ = s.Close() }()
	_, err = s.claim(b.Context())
	require.NoError(b, err)
	_, err = s.write.ExecContext(b.Context(), `INSERT INTO cursor (id, network, registry, first, origin, seqno, root, time, events, tops) VALUES (1, 1, ?0, 1, ?0, 0, ?0, 0, 0, '[]')`, []byte{})
	require.NoError(b, err)
	at := cursor{}
	for b.Loop() {
		rows := benchRows(at.events, n)
		to := cursor{seqno: at.seqno + 1, events: at.events + uint64(n)}
		require.NoError(b, s.update(b.Context(), func(ctx context.Context, tx transaction) error {
			if err := moveCursor(ctx, tx.Tx, &batch{from: at, to: to}); err != nil {
				return err
			}
			return insert(ctx, tx, rows)
		}))
		at = to
	}
	b.ReportMetric(float64(at.events)/b.Elapsed().Seconds(), "rows/s")
}
