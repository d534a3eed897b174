package indexer

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// upsert writes rows of a table, each new or in place of the one with its key.
type upsert struct {
	table   string
	key     []string
	columns []string
	rows    [][]any // as columns say
}

// upsertRows is how many rows one statement writes.
const upsertRows = 500

func (u upsert) run(ctx context.Context, tx bun.Tx) error {
	for part := range slices.Chunk(u.rows, upsertRows) {
		query, args := u.statement(part)
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

func (u upsert) statement(rows [][]any) (query string, args []any) {
	var q strings.Builder
	q.WriteString("INSERT INTO " + u.table + " (" + strings.Join(u.columns, ", ") + ") VALUES ")
	row := "(?" + strings.Repeat(", ?", len(u.columns)-1) + ")"
	for i, r := range rows {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(row)
		args = append(args, r...)
	}
	q.WriteString(" ON CONFLICT (" + strings.Join(u.key, ", ") + ") DO UPDATE SET ")
	for i, c := range u.columns[len(u.key):] {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(c + " = excluded." + c)
	}
	return q.String(), args
}
