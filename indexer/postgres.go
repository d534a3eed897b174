package indexer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/cocoon-network/cocoon"
)

// postgres is a database on a server, for more readers than one file serves.
type postgres struct{ config *pgx.ConnConfig }

// newPostgres reads an address postgres://USER:PASSWORD@HOST:PORT/DATABASE, or
// what libpq reads beside it. No error repeats it, since it may hold a password.
func newPostgres(dsn string) (postgres, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return postgres{}, cocoon.Invalid.Errorf("the address of the database does not begin with postgres://")
	}
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return postgres{}, cocoon.WithHint(cocoon.Invalid.Errorf("the address of the database cannot be read"),
			"it is postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %%40 for an @ in a password and the like")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // bun writes values into the text: no two queries are the same
	return postgres{c}, nil
}

func (e postgres) String() string {
	return fmt.Sprintf("%s on PostgreSQL at %s:%d", e.config.Database, e.config.Host, e.config.Port)
}

// A writer that stalls within a transaction keeps everybody out; the server ends it.
const stalledWriter = "30s"

func (e postgres) connect() (write, read *bun.DB, err error) {
	write = e.pool(1, map[string]string{"idle_in_transaction_session_timeout": stalledWriter})
	// A reader that asks twice within a transaction sees one state, as in SQLite.
	read = e.pool(8, map[string]string{"default_transaction_read_only": "on", "default_transaction_isolation": "repeatable read"})
	return write, read, nil
}

func (e postgres) pool(connections int, settings map[string]string) *bun.DB {
	c := e.config.Copy()
	c.RuntimeParams["application_name"] = "cocoon"
	maps.Copy(c.RuntimeParams, settings)
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, numericBools{pgdialect.New()})
}

// numericBools writes truth values as 1 and 0, the way SQLite keeps them.
type numericBools struct{ *pgdialect.Dialect }

// AppendBool implements schema.Dialect.
func (numericBools) AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, '1')
	}
	return append(b, '0')
}

// words are how PostgreSQL says what migrations say; text is compared by its bytes.
var words = []struct {
	sqlite   *regexp.Regexp
	postgres string
}{
	{regexp.MustCompile(`(?m)--.*$`), ""},
	{regexp.MustCompile(`\)\s*STRICT(,\s*WITHOUT ROWID)?;`), ");"},
	{regexp.MustCompile(`\bINTEGER\b`), "BIGINT"},
	{regexp.MustCompile(`\bBLOB\b`), "BYTEA"},
	{regexp.MustCompile(`\bTEXT\b`), `TEXT COLLATE "C"`},
}

func (postgres) schema(migration string) string {
	for _, w := range words {
		migration = w.sqlite.ReplaceAllString(migration, w.postgres)
	}
	return migration
}

// schemaLock is the number of the lock that programs take to change the schema.
const schemaLock = 0x636f636f6f6e // "cocoon"

func (postgres) alone(ctx context.Context, tx bun.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(?)`, schemaLock)
	return err
}

func (postgres) clock() string {
	return `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`
}

// departed is not for a client to know: the owner may run anywhere.
func (postgres) departed(string) bool { return false }

// session does something on the connection of tx, past database/sql.
func session(tx transaction, do func(*pgx.Conn) error) error {
	var done error
	err := tx.conn.Raw(func(c any) error {
		done = do(c.(*stdlib.Conn).Conn())
		return nil // database/sql would take some errors for its own
	})
	return errors.Join(err, done)
}
