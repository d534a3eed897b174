package indexer

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cocoon-network/cocoon"
)

// explain tells a server that cannot be reached, which Run outlasts, from one
// that refuses and from a full disk.
func (e postgres) explain(err error) error {
	if err == nil || cocoon.KindOf(err) != cocoon.Internal || errors.Is(err, context.Canceled) {
		return err
	}
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return e.explainCode(said.Code, err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return e.unreached(err)
	}
	return err
}

func (e postgres) unreached(err error) error {
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		return cocoon.WithHint(cocoon.Unreachable.Errorf("reach the database: %w", err), "is %s the name of the server? This machine finds no address for it", e.config.Host)
	}
	return cocoon.WithHint(cocoon.Unreachable.Errorf("reach the database: %w", err), "does the server at %s:%d run, and may this machine connect to it?", e.config.Host, e.config.Port)
}

// explainCode reads an SQLSTATE, by its class in the main.
func (e postgres) explainCode(code string, err error) error {
	switch {
	case code == "53100":
		return diskFull(err)
	case code == "58030", code == "25006": // input or output failed, the server only reads
		return diskBroken(err)
	case code == "28P01", code == "28000", code == "42501":
		return cocoon.WithHint(cocoon.Forbidden.Errorf("use the database: %w", err), "check user and password, and that the user may create tables in it")
	case code == "3D000":
		return cocoon.WithHint(cocoon.NotFound.Errorf("use the database: %w", err), "create it: createdb %s", e.config.Database)
	case code[:2] == "08", code[:2] == "53", code[:3] == "57P", code == "25P03": // connections, resources, shutdown, a stall
		return e.unreached(err)
	}
	return err
}
