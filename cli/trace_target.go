package cli

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// traceTarget is what to show the trace of: a hash or its beginning, or an
// account and, where it is not 0, a logical time.
type traceTarget struct {
	hash    []byte
	account *address.Address
	lt      uint64
}

// shortestHash is the fewest bytes of a hash that say which is meant.
const shortestHash = 4

func parseTarget(s string) (t traceTarget, err error) {
	if t.hash = parseHash(s); t.hash != nil {
		return t, nil
	}
	parts := strings.Split(s, ":")
	named := 1 // parts of the address
	if _, err := strconv.ParseInt(parts[0], 10, 8); err == nil {
		named = 2
	}
	if len(parts) > named+1 || len(parts) < named {
		return t, notTarget(s)
	}
	if named == 2 {
		t.account, err = address.ParseRawAddr(strings.Join(parts[:2], ":"))
	} else {
		t.account, err = address.ParseAddr(parts[0])
	}
	if err != nil || t.account.Type() != address.StdAddress {
		return t, notTarget(s)
	}
	if len(parts) > named {
		if t.lt, err = strconv.ParseUint(parts[named], 10, 64); err != nil || t.lt == 0 {
			return t, cocoon.Invalid.Errorf("%q is not a logical time", parts[named])
		}
	}
	return t, nil
}

// parseHash reads 8 to 64 hexadecimal digits, or a whole hash in base64; nil for
// what is neither.
func parseHash(s string) []byte {
	if b, err := hex.DecodeString(s); err == nil && len(b) >= shortestHash && len(b) <= 32 {
		return b
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(s)
	if b, err := base64.StdEncoding.DecodeString(plain); err == nil && len(b) == 32 {
		return b
	}
	return nil
}

func notTarget(s string) error {
	return cocoon.WithHint(cocoon.Invalid.Errorf("%q is neither a hash, in hex or base64, nor an address", s), "as in: cocoon trace 5f0c3a91, or ADDRESS:LT")
}

func (t traceTarget) hint() string {
	switch {
	case t.hash != nil:
		return "search further back with --back, or name the account: cocoon trace ADDRESS:LT"
	case t.lt != 0:
		return "see the account's newest with: cocoon trace " + t.account.StringRaw()
	}
	return "name the moment too, as in ADDRESS:LT"
}

// openLite is a client to the network's liteservers, those that answer.
func openLite(ctx context.Context, n chain.Network) (*ton.APIClient, func(), error) {
	pool := liteclient.NewConnectionPool()
	var failures []error
	for _, l := range n.Liteservers {
		if err := pool.AddConnection(ctx, l.Addr, base64.StdEncoding.EncodeToString(l.Key)); err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) == len(n.Liteservers) {
		pool.Stop()
		return nil, nil, cocoon.Unreachable.Errorf("connect to the liteservers of network %s: %w", n.Name, errors.Join(failures...))
	}
	return ton.NewAPIClient(pool, ton.ProofCheckPolicyFast), pool.Stop, nil
}
