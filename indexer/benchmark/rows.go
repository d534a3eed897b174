package main

import (
	"context"
	"fmt"
)

// measureRows lets the indexer read the segment out of memory, parsed already:
// what is left is to map it and to write events and all that follows from them.
// A row is an event. PostgresRowsS stays nil until the indexer writes there.
func measureRows(ctx context.Context, f *figures, o options, s *segment) error {
	var rates []float64
	for range o.rounds {
		err := inFolder(func(path string) error {
			took, events, err := indexed(ctx, path, s, s.head)
			rates = append(rates, float64(events)/took.Seconds())
			return err
		})
		if err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
	}
	f.SQLiteRowsS = median(rates)
	note("SQLite: %.0f events/s with their projections", *f.SQLiteRowsS)
	return nil
}
