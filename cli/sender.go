package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
)

// payer is how a command that moves money gets its messages on chain: signed
// by a wallet of this home, or printed for a wallet elsewhere.
type payer struct {
	wallet   string
	unsigned bool
	owner    string
}

func (p *payer) flags(f *pflag.FlagSet) {
	f.StringVar(&p.wallet, "wallet", "wallet", "name or file of the wallet that pays")
	f.BoolVar(&p.unsigned, "unsigned", false, "send nothing; print the message for signing elsewhere (TON Connect's format)")
	f.StringVar(&p.owner, "owner", "", "with --unsigned: address of the wallet that will sign")
}

// desk is a connection, and the account that acts over it.
type desk struct {
	action.Desk
	client  *chain.Client
	wallet  *chain.Wallet // nil with --unsigned
	account cocoon.Account
	network chain.Network
}

// open connects and finds out who acts.
func (p *payer) open(ctx context.Context, e *env, n chain.Network) (*desk, error) {
	if p.unsigned != (p.owner != "") {
		return nil, cocoon.Invalid.Errorf("--unsigned and --owner ADDRESS go together")
	}
	var owner cocoon.Account
	var err error
	if p.unsigned {
		if owner, err = cocoon.ParseAccount(p.owner); err != nil {
			return nil, err
		}
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return nil, err
	}
	d := &desk{Desk: action.Desk{Chain: client, GlobalID: client.Network().GlobalID, Registry: n.Registry}, client: client, account: owner, network: n}
	if p.unsigned {
		return d, nil
	}
	if d.wallet, err = e.openWallet(client, p.wallet); err != nil {
		client.Close()
		return nil, err
	}
	d.account = d.wallet.Account()
	return d, nil
}

func lookFlags(f *pflag.FlagSet, owner, wallet *string) {
	f.StringVar(owner, "owner", "", "address of the owner (default: that of --wallet)")
	f.StringVar(wallet, "wallet", "wallet", "name or file of the owner's wallet")
}

// look is open for commands that only read: no key is needed to look at an owner's contracts.
func (e *env) look(ctx context.Context, owner, wallet string) (*desk, error) {
	n, err := e.needRegistry()
	if err != nil {
		return nil, err
	}
	p := payer{wallet: wallet, owner: owner, unsigned: owner != ""}
	return p.open(ctx, e, n)
}

// openWallet is the wallet in a key file of this home.
func (e *env) openWallet(client *chain.Client, name string) (*chain.Wallet, error) {
	key, err := e.loadKey(name, noWallet)
	if err != nil {
		return nil, err
	}
	return chain.NewWallet(client, key)
}

type sent struct {
	Tx     string         `json:"tx"`
	LT     uint64         `json:"lt"`
	Seqno  uint32         `json:"mc_seqno"`
	Wallet cocoon.Account `json:"wallet"`
}

// send signs and sends messages, waits until they were executed and tells the
// result, or prints them unsigned.
func (d *desk) send(ctx context.Context, e *env, what string, messages ...chain.Message) error {
	if d.wallet == nil {
		return d.printUnsigned(e, messages)
	}
	e.say("%s: sending from %s", what, d.account)
	s, err := d.wallet.Send(ctx, messages...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err = d.arrived(ctx, s, messages); err != nil {
		return d.pointToTrace(fmt.Errorf("%s: %w", what, err), s)
	}
	return e.show("sent", sent{fmt.Sprintf("%x", s.Tx), s.LT, s.Block.SeqNo, d.account}, [2]string{"transaction", fmt.Sprintf("%x", s.Tx)})
}

// pointToTrace says where to see more about what went wrong after s was sent.
func (d *desk) pointToTrace(err error, s chain.Sent) error {
	if cocoon.HintOf(err) != "" {
		return err
	}
	return cocoon.WithHint(err, "see what happened: cocoon trace %x", s.Tx)
}
