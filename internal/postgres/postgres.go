// Package postgres starts throw-away PostgreSQL servers, for tests and benchmarks.
package postgres

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// Programs is the folder of initdb and pg_ctl, "" where there is none.
func Programs() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// Cluster is a server of its own: a new folder, a socket in it, no network.
type Cluster struct {
	Folder string // of its data and its socket
}

// New makes and starts a server.
func New() (*Cluster, error) {
	folder, err := os.MkdirTemp("", "cocoon-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if out, err := exec.Command("chown", "postgres", folder).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
	}
	if err = c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err == nil {
		err = c.guard()
	}
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.Folder, "data") }

// DSN is the address of a database on it.
func (c *Cluster) DSN(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(c.Folder)
}

// Guarded is the one user whom the server asks for a password, once somebody makes it.
const Guarded = "guarded"

func (c *Cluster) guard() error {
	access := filepath.Join(c.data(), "pg_hba.conf")
	rules, err := os.ReadFile(access)
	if err != nil {
		return err
	}
	return os.WriteFile(access, append([]byte("local all "+Guarded+" scram-sha-256\n"), rules...), 0o600) // it stays its owner's
}

// Start starts a server that was stopped.
func (c *Cluster) Start() error {
	return c.run("pg_ctl", "-D", c.data(), "-w", "-l", filepath.Join(c.Folder, "log"), "-o", "-c listen_addresses= -c max_connections=500 -c unix_socket_directories="+c.Folder, "start")
}

// Stop ends the server as a crash would.
func (c *Cluster) Stop() error {
	return c.run("pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
}

// Remove stops the server and deletes its folder.
func (c *Cluster) Remove() {
	_ = c.Stop() // it may not run
	_ = os.RemoveAll(c.Folder)
}

func (c *Cluster) run(program string, args ...string) error {
	args = append([]string{filepath.Join(Programs(), program)}, args...)
	if os.Geteuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = c.Folder
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
