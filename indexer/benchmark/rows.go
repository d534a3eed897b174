package main

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/internal/postgres"
)

// measureRows lets the indexer read the segment out of memory, parsed already:
// what is left is to map it and to write events and all that follows from them.
// A row is an event. PostgresRowsS stays nil where no server is installed.
func measureRows(ctx context.Context, f *figures, o options, s *segment) error {
	var rates []float64
	for range o.rounds {
		err := inFolder(func(path string) error {
			rate, err := s.rows(ctx, indexer.Config{Path: path})
			rates = append(rates, rate)
			return err
		})
		if err != nil {
			return fmt.Errorf("write rows to SQLite: %w", err)
		}
	}
	f.SQLiteRowsS = median(rates)
	note("SQLite: %.0f events/s with their projections", *f.SQLiteRowsS)
	return measurePostgres(ctx, f, o, s)
}

// measurePostgres does the same on a server of its own.
func measurePostgres(ctx context.Context, f *figures, o options, s *segment) error {
	if postgres.Programs() == "" {
		note("PostgreSQL: its server is not installed here")
		return nil
	}
	var rates []float64
	for range o.rounds {
		server, err := postgres.New()
		if err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		rate, err := s.rows(ctx, indexer.Config{DSN: server.DSN("postgres")})
		server.Remove()
		if err != nil {
			return fmt.Errorf("write rows to PostgreSQL: %w", err)
		}
		rates = append(rates, rate)
	}
	f.PostgresRowsS = median(rates)
	note("PostgreSQL: %.0f events/s with their projections", *f.PostgresRowsS)
	return nil
}

// rows is how many events a second an indexer writes to a new database.
func (s *segment) rows(ctx context.Context, database indexer.Config) (float64, error) {
	took, events, err := indexed(ctx, database, s, s.head)
	return float64(events) / took.Seconds(), err
}
