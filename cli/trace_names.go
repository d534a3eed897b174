package cli

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"strings"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/localnet/trace"
	"github.com/cocoon-network/cocoon/wrappers"
)

// phoneBook knows accounts by the wallets of this home and by the code they run.
type phoneBook struct {
	ctx    context.Context // of the one command it serves
	client *chain.Client
	names  map[cocoon.Account]string
	ours   map[cocoon.Account]bool // whether they run a contract of ours
}

// traceNames say what this program knows better than the chain.
func (e *env) traceNames(ctx context.Context, client *chain.Client) trace.Names {
	p := &phoneBook{ctx: ctx, client: client, names: e.wallets(client.Network().GlobalID), ours: map[cocoon.Account]bool{}}
	return trace.Names{
		Account:   func(a *address.Address) string { name, _ := p.look(a); return name },
		Operation: func(_ *address.Address, body *cell.Cell) (string, [][2]string) { return wrappers.Describe(body) },
		Exit: func(a *address.Address, code int32) string {
			if _, ours := p.look(a); ours {
				return wrappers.ExitName(code)
			}
			return ""
		},
	}
}

// wallets are those of this home by their account, named as their files. A key
// that cannot be read names nobody.
func (e *env) wallets(globalID int32) map[cocoon.Account]string {
	names := map[cocoon.Account]string{}
	files, err := filepath.Glob(filepath.Join(e.home, "keys", "*.key"))
	if err != nil {
		return names
	}
	for _, file := range files {
		key, err := chain.LoadKey(file)
		if err != nil {
			continue
		}
		if a, err := chain.WalletAccount(key.Public().(ed25519.PublicKey), globalID); err == nil {
			names[a] = strings.TrimSuffix(filepath.Base(file), ".key")
		}
	}
	return names
}

// look names an account, by the code it runs now where it is no wallet of ours.
func (p *phoneBook) look(addr *address.Address) (name string, ours bool) {
	a, err := chain.AccountOf(addr)
	if err != nil {
		return "", false
	}
	if name, known := p.names[a]; known {
		return name, p.ours[a]
	}
	found, err := p.client.Account(p.ctx, a)
	if err != nil { // a name is not worth failing for
		return "", false
	}
	if found.Code != nil {
		contract, known := contracts.ByCodeHash(found.Code.Hash())
		p.names[a], p.ours[a] = contract.Name, known
	} else {
		p.names[a] = ""
	}
	return p.names[a], p.ours[a]
}
