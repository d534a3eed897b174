package indexer

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// copyFrom is from how many rows on COPY is faster than one statement with
// arrays (BenchmarkInsert).
const copyFrom = 16

var eventColumns = []string{"seq", "seqno", "time", "lt", "tx", "contract", "account", "sender", "name", "ok", "exit_code", "value", "fees", "body", "data", "out"}

func (postgres) insert(ctx context.Context, tx transaction, rows []eventRow) error {
	if len(rows) < copyFrom {
		return insertArrays(ctx, tx, rows)
	}
	return insertCopy(ctx, tx, rows)
}

// insertCopy streams rows in PostgreSQL's own encoding.
func insertCopy(ctx context.Context, tx transaction, rows []eventRow) error {
	return session(tx, func(c *pgx.Conn) error {
		_, err := c.CopyFrom(ctx, pgx.Identifier{"events"}, eventColumns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := &rows[i]
			return []any{int64(r.Seq), int64(r.Seqno), int64(r.Time), int64(r.LT), r.Tx, r.Contract, r.Account, r.Sender, r.Name, number(r.OK),
				int64(r.ExitCode), r.Value, r.Fees, r.Body, r.Data, r.Out}, nil
		}))
		return err
	})
}

// insertArrays sends each column as one array: the statement is the same for any
// number of rows, so that the server reads it once.
func insertArrays(ctx context.Context, tx transaction, rows []eventRow) error {
	var ints [6][]int64
	var bytes [4][][]byte
	var texts [6][]string
	for i := range rows {
		r := &rows[i]
		for c, v := range [6]int64{int64(r.Seq), int64(r.Seqno), int64(r.Time), int64(r.LT), number(r.OK), int64(r.ExitCode)} {
			ints[c] = append(ints[c], v)
		}
		for c, v := range [4][]byte{r.Tx, r.Account, r.Sender, r.Body} {
			bytes[c] = append(bytes[c], v)
		}
		for c, v := range [6]string{r.Contract, r.Name, r.Value, r.Fees, r.Data, r.Out} {
			texts[c] = append(texts[c], v)
		}
	}
	return session(tx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `INSERT INTO events (seq, seqno, time, lt, ok, exit_code, tx, account, sender, body, contract, name, value, fees, data, out)
			SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
				$7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])`,
			pgx.QueryExecModeCacheStatement, ints[0], ints[1], ints[2], ints[3], ints[4], ints[5], bytes[0], bytes[1], bytes[2], bytes[3],
			texts[0], texts[1], texts[2], texts[3], texts[4], texts[5])
		return err
	})
}

func number(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
