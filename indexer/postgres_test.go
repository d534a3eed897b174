package indexer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
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
		c, err := newCluster()
		if err != nil {
			return "", err
		}
		postgresStop = c.remove
		return c.dsn("postgres"), nil
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
	if os.Getenv(postgresVariable) == "" && postgresPrograms() == "" {
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
	admin := func(statement string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := pgx.Connect(ctx, server)
		require.NoError(t, err)
		defer func() { _ = c.Close(ctx) }()
		_, err = c.Exec(ctx, statement)
		require.NoError(t, err)
	}
	admin(`CREATE DATABASE ` + name)
	t.Cleanup(func() { admin(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`) })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// postgresPrograms is the folder of initdb and pg_ctl, "" where there is none.
func postgresPrograms() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// cluster is a server of a test's own: a new folder, a socket in it, no network.
type cluster struct{ folder string }

func newCluster() (*cluster, error) {
	folder, err := os.MkdirTemp("", "cocoon-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	c := &cluster{folder}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if out, err := exec.Command("chown", "postgres", folder).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
	}
	if err = c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err == nil {
		err = c.guard("guarded")
	}
	if err == nil {
		err = c.start()
	}
	if err != nil {
		c.remove()
		return nil, err
	}
	return c, nil
}

func (c *cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *cluster) dsn(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.folder)
}

func (c *cluster) start() error {
	return c.run("pg_ctl", "-D", c.data(), "-w", "-l", filepath.Join(c.folder, "log"), "-o", "-c listen_addresses= -c max_connections=500 -c unix_socket_directories="+c.folder, "start")
}

// guard makes the server ask that user for a password.
func (c *cluster) guard(user string) error {
	access := filepath.Join(c.data(), "pg_hba.conf")
	rules, err := os.ReadFile(access)
	if err != nil {
		return err
	}
	return os.WriteFile(access, append([]byte("local all "+user+" scram-sha-256\n"), rules...), 0o600) // it stays its owner's
}

// admin does something as who may do all.
func (c *cluster) admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// stop ends the server as a crash would.
func (c *cluster) stop() error {
	return c.run("pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
}

func (c *cluster) remove() {
	_ = c.stop() // it may not run
	_ = os.RemoveAll(c.folder)
}

func (c *cluster) run(program string, args ...string) error {
	args = append([]string{filepath.Join(postgresPrograms(), program)}, args...)
	if os.Geteuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = c.folder
	log, err := os.CreateTemp("", "cocoon-pg-out-") // not a pipe: the server would hold it open
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	cmd.Stdout, cmd.Stderr = log, log
	if err = cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name()) // err tells enough without it
		return fmt.Errorf("%s: %w: %s", program, err, said)
	}
	return nil
}
