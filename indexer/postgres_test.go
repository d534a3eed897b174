package indexer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	pg "github.com/cocoon-network/cocoon/internal/postgres"
)

// postgresVariable names the address of a server on which tests may make databases.
const postgresVariable = "COCOON_TEST_POSTGRES"

func onPostgres(path string) bool { return strings.HasPrefix(path, "postgres") }

var (
	databases     atomic.Int64
	postgresStop  func()
	postgresStart = sync.OnceValues(func() (string, error) {
		if dsn := os.Getenv(postgresVariable); dsn != "" {
			return dsn, nil
		}
		c, err := pg.New()
		if err != nil {
			return "", err
		}
		postgresStop = c.Remove
		return c.DSN("postgres"), nil
	})
)

// stopPostgres ends the server that tests have started, if any.
func stopPostgres() {
	if postgresStop != nil {
		postgresStop()
	}
}

// postgresServer is a server's address. A machine without the programs skips the test.
func postgresServer(t testing.TB) string {
	t.Helper()
	if os.Getenv(postgresVariable) == "" && pg.Programs() == "" {
		t.Skipf("no PostgreSQL: install its server, or name one in %s", postgresVariable)
	}
	dsn, err := postgresStart()
	require.NoError(t, err)
	return dsn
}

// newPostgresDatabase is the address of a new database, dropped after the test.
func newPostgresDatabase(t testing.TB) string {
	t.Helper()
	server := postgresServer(t)
	name := fmt.Sprintf("cocoon_%d_%d", os.Getpid(), databases.Add(1))
	require.NoError(t, administer(server, `CREATE DATABASE `+name))
	t.Cleanup(func() { require.NoError(t, administer(server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)) })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// administer does something on a server as who may do all.
func administer(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}
